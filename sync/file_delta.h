// One file for one host, of which that host has an older version.
#ifndef DIST_SYNC_FILE_DELTA_H_
#define DIST_SYNC_FILE_DELTA_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "sync/blocks.h"
#include "sync/delta.h"

namespace dist {

// Goes through the file segment by segment: a delta where that saves much, else
// blocks. Where deltas have saved nothing, it tries less and less often.
class FileDelta {
 public:
  // Errors: InvalidArgument for a position that is no file with a content.
  static absl::StatusOr<FileDelta> Make(const PackedManifest& manifest,
                                        uint32_t position,
                                        std::string signature);

  // The next message. Reads, and finds differences: blocks. Errors: as of
  // BlockMaker, and InvalidArgument for a malformed signature.
  absl::StatusOr<Block> Next(uint32_t number, BlockMaker* blocks);
  bool at_end() const { return at_ >= plan_.size(); }

 private:
  FileDelta(ContentPlan plan, std::string signature)
      : plan_(std::move(plan)), signature_(std::move(signature)) {}
  absl::Status Load();

  ContentPlan plan_;
  std::string signature_;  // Until it is loaded.
  std::string name_;       // Of the signature.
  std::unique_ptr<DeltaBase> base_;
  uint64_t at_ = 0;           // What was sent ends here.
  uint64_t whole_until_ = 0;  // No delta before this.
  uint64_t skip_ = 1;         // Segments, next time that a delta saves nothing.
};

}  // namespace dist

#endif  // DIST_SYNC_FILE_DELTA_H_
