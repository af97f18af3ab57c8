// Finds the files that tests have written, to be fetched.
#ifndef DIST_SYNC_GATHER_H_
#define DIST_SYNC_GATHER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "sync/snapshot.h"

namespace dist {

struct GatherRequest {
  std::string folder;  // Absolute.
  // With a "/" they match paths in it, without one base names; as of
  // MatchesGlob().
  std::vector<std::string> globs;
  uint64_t max_bytes = 0;
  uint32_t max_files = 0;
};

struct Gathered {
  std::shared_ptr<const Snapshot> snapshot;  // Null: there is nothing.
  std::vector<std::string> notes;            // What is left out, and why.
};

// Takes regular files only and follows no link. What exceeds a limit is left
// out, in the order of names. Blocks. Errors: a folder or file that cannot be
// read, or that does not stand still.
absl::StatusOr<Gathered> Gather(const GatherRequest& request);

}  // namespace dist

#endif  // DIST_SYNC_GATHER_H_
