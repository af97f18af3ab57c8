// Output of workers as it comes (-s): whole lines, each with its origin.
#ifndef DIST_CORE_REPORT_STREAMED_H_
#define DIST_CORE_REPORT_STREAMED_H_

#include <map>
#include <string>
#include <utility>

#include "core/model/run_event.h"
#include "core/report/page.h"

namespace dist {

class StreamedOutput {
 public:
  explicit StreamedOutput(Page& page) : page_(page) {}

  void On(const OutputShown& event);

  // Prints what was begun and never ended.
  void Flush();

 private:
  // Worker and host.
  using Origin = std::pair<std::string, std::string>;
  void PrintLine(const Origin& origin, absl::string_view line);

  Page& page_;
  std::map<Origin, std::string> begun_;
};

}  // namespace dist

#endif  // DIST_CORE_REPORT_STREAMED_H_
