// Looks at a tree: what of it is as wanted, or as dist has put it there.
#ifndef DIST_SYNC_TREE_CHECK_H_
#define DIST_SYNC_TREE_CHECK_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/manifest/packed_manifest.h"
#include "sync/ledger.h"

namespace dist {

// Something that can stay or is ours to replace. Its entry is that of a
// manifest, but for mode and time.
struct Found {
  enum class In : uint8_t { kLedger, kIntent, kWanted };

  uint32_t position = 0;  // In that manifest.
  In in = In::kLedger;
  // No ledger names it, or only as somebody else's. Never in a tree of our own.
  bool theirs = false;
  uint16_t mode = 0;  // As it is on the disk, of files and folders.
  FileFacts facts;    // Of files.
};

// What is neither wanted nor ours.
struct Foreign {
  std::string path;
  bool spoilt = false;  // Dist has put something there, or no ledger says.
};

struct TreeState {
  // As the ledger says, or with the content that is wanted; in order.
  std::vector<Found> found;
  bool has_files = false;  // Some of it are files.
  // Topmost paths only. Not in it: names that are always ignored, as in rsync;
  // tests and their tools keep caches there. In a chdir= folder only what is in
  // the way.
  std::vector<Foreign> foreign;
  // What is always ignored and neither wanted nor ours, topmost paths only.
  std::vector<std::string> kept;
  std::vector<std::string> bytecode;  // Likewise: __pycache__ folders.
  bool as_wanted = false;             // But for what is foreign.
  bool noted = true;                  // All files are as the ledger says.
  // By Found::In.
  std::array<std::shared_ptr<const PackedManifest>, 3> manifests;

  // The position in `found` of what is at `path`, if anything is.
  std::optional<uint32_t> Find(absl::string_view path) const;
};

// The entries of what was found; cheap in order. The state must outlive it.
class FoundEntries {
 public:
  explicit FoundEntries(const TreeState& state);

  // With mode and time as they are on the disk. Valid until the next call.
  const Entry& At(uint32_t i);

 private:
  const TreeState& state_;
  std::array<PackedManifest::Cursor, 3> cursors_;
  Entry entry_;
};

// Compares the folder `tree` with its ledger, and what differs (everything, if
// the machine was started anew since) by content with `want`. `intent`: of a
// sync that did not come to its end; its files are ours, too. `own`: it is a
// tree of our own, so all that is in it is ours. Follows no link.
absl::StatusOr<TreeState> CheckTree(int tree, bool own, const Ledger& ledger,
                                    const Ledger& intent,
                                    std::shared_ptr<const PackedManifest> want);

}  // namespace dist

#endif  // DIST_SYNC_TREE_CHECK_H_
