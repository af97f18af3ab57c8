// A tree as it was at one moment: what every host of a run gets.
#ifndef DIST_SYNC_SNAPSHOT_H_
#define DIST_SYNC_SNAPSHOT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/manifest/ignore.h"
#include "core/manifest/packed_manifest.h"
#include "sync/fd.h"
#include "sync/hash_cache.h"
#include "sync/scan.h"

namespace dist {

struct SnapshotRequest {
  std::string base;  // Absolute; paths are relative to it.
  std::vector<SyncRoot> roots;
  IgnoreRules rules;
  std::string alias = "";  // As in ScanTree().
  // Somebody may be writing: of a file that grows, what is there is taken; what
  // cannot be read or does not stand still is left out with a warning.
  bool lenient = false;
};

// Immutable; may be used by several threads.
class Snapshot {
 public:
  // Scans, and hashes what `cache` (may be null) does not know, on two threads.
  // A file that changes while it is read is read again, three times at most.
  // Blocks. Errors: what cannot be read or does not stand still, one a line.
  static absl::StatusOr<std::shared_ptr<const Snapshot>> Take(
      const SnapshotRequest& request, HashCache* cache);

  const std::string& base() const { return base_; }
  bool lenient() const { return lenient_; }
  int folder() const { return folder_.get(); }  // Of base.
  const PackedManifest& manifest() const { return manifest_; }
  // Of files: as they were when they were hashed; by position.
  const FileFacts& facts(size_t entry) const { return facts_[entry]; }
  // The bytes of manifest().
  const std::string& compressed() const { return compressed_; }
  const std::string& hash() const { return hash_; }
  // For the user, one line each.
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  Snapshot() = default;

  std::string base_;
  bool lenient_ = false;
  Fd folder_;
  PackedManifest manifest_;
  std::vector<FileFacts> facts_;
  std::string compressed_;
  std::string hash_;
  std::vector<std::string> warnings_;
};

}  // namespace dist

#endif  // DIST_SYNC_SNAPSHOT_H_
