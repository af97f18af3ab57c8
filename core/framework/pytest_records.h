// The records between a node and its pytest process (docs/plugin-records.md):
// what the node writes, and a decoder for what comes back.
//
// The process runs arbitrary test code, so nothing in a record is trusted:
// lengths, positions and JSON types are checked, text is bounded.
#ifndef DIST_CORE_FRAMEWORK_PYTEST_RECORDS_H_
#define DIST_CORE_FRAMEWORK_PYTEST_RECORDS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/model/node_messages.h"

namespace dist {

// Appends one record.
void AppendRecord(char kind, absl::string_view payload, std::string* out);

// The record `C`.
std::string ConfigRecord(const WorkerSetup& setup);

// Cuts and decodes the stream of one process.
class PytestDecoder {
 public:
  explicit PytestDecoder(WorkerId worker) : worker_(worker) {}

  // See FrameworkSession::Decode. Neighbouring steps of tests are one
  // TestsReported. CollectionListed and CollectionReported come with an empty
  // hash: the node fills it in.
  absl::Status Decode(absl::string_view bytes, std::vector<NodeEvent>* events);

 private:
  absl::Status OnRecord(char kind, absl::string_view payload,
                        std::vector<NodeEvent>* events);
  absl::Status OnTest(char kind, absl::string_view payload,
                      std::vector<NodeEvent>* events);
  absl::Status OnJson(char kind, absl::string_view payload,
                      std::vector<NodeEvent>* events);
  absl::Status OnList(absl::string_view payload,
                      std::vector<NodeEvent>* events);
  TestsReported& Steps(std::vector<NodeEvent>* events);

  const WorkerId worker_;
  std::string buffer_;
  CollectionListed list_;  // What has come of it so far.
  uint32_t count_ = 0;     // Tests in the whole list: positions are below it.
  bool broken_ = false;
};

}  // namespace dist

#endif  // DIST_CORE_FRAMEWORK_PYTEST_RECORDS_H_
