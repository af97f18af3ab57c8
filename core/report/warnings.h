// The section "warnings summary" of a terminal report.
#ifndef DIST_CORE_REPORT_WARNINGS_H_
#define DIST_CORE_REPORT_WARNINGS_H_

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "core/model/run_event.h"
#include "core/report/page.h"
#include "core/report/roster.h"

namespace dist {

// Warnings by message, as pytest groups them. Memory is bounded by the number
// of different messages and files, not by that of warnings.
class Warnings {
 public:
  explicit Warnings(const Roster& roster) : roster_(roster) {}

  void On(const WarningShown& event);
  void Print(Page& page) const;

 private:
  struct Group {
    std::string message;
    std::vector<std::string> locations;  // The first few.
    std::map<std::string, size_t> by_file;
    std::vector<std::string> files;  // In order of appearance.
    size_t count = 0;
  };
  void PrintLocations(const Group& group, Page& page) const;

  const Roster& roster_;
  absl::flat_hash_map<std::string, size_t> index_;  // Into groups_.
  std::vector<Group> groups_;
};

}  // namespace dist

#endif  // DIST_CORE_REPORT_WARNINGS_H_
