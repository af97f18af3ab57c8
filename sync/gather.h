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

// As coverage.py names its data in parallel mode: .coverage.HOST.PID.RANDOM
inline constexpr char kCoverageFiles[] = ".coverage.*";

struct GatherRequest {
  std::string folder;  // Absolute.
  // With a "/" they match paths in it, without one base names; as of
  // MatchesGlob().
  std::vector<std::string> globs;
  uint64_t max_bytes = 0;
  uint32_t max_files = 0;
  // kCoverageFiles takes what has changed since: what an earlier run left is of
  // other sources. Nanoseconds since 1970.
  int64_t since = 0;
};

struct Gathered {
  std::shared_ptr<const Snapshot> snapshot;  // Null: there is nothing.
  std::vector<std::string> notes;            // What is left out, and why.
};

// Takes regular files only and follows no link. What exceeds a limit is left
// out, in the order of names; so is a file that cannot be read or does not
// stand still. Of one that grows, what is there comes. Blocks. Errors: a folder
// that cannot be read.
absl::StatusOr<Gathered> Gather(const GatherRequest& request);

}  // namespace dist

#endif  // DIST_SYNC_GATHER_H_
