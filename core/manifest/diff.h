// What has to be done to make one tree of another.
#ifndef DIST_CORE_MANIFEST_DIFF_H_
#define DIST_CORE_MANIFEST_DIFF_H_

#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "core/manifest/packed_manifest.h"

namespace dist {

struct TreeDiff {
  static constexpr uint32_t kNone = UINT32_MAX;

  // Positions in what there is, what is in a folder before the folder.
  // Something of another type may come to the same path.
  std::vector<uint32_t> remove;
  // Positions in the wanted manifest, in its order.
  std::vector<uint32_t> make_folders;
  std::vector<uint32_t> make_files;  // New, or with another content.
  std::vector<uint32_t> make_links;  // New, or to another target.
  std::vector<uint32_t> touch;  // Only mode or mtime differ; also of folders.
  // By position in the wanted manifest: that of what is at the same path and of
  // the same type, or kNone.
  std::vector<uint32_t> had;

  bool empty() const {
    return remove.empty() && make_folders.empty() && make_files.empty() &&
           make_links.empty() && touch.empty();
  }
};

// `have(i)`, for i from 0 to `count` in order, are the entries that there are,
// in the order of ComparePaths. What it returns is used before the next call.
TreeDiff Diff(uint32_t count, absl::FunctionRef<const Entry&(uint32_t)> have,
              const PackedManifest& want);

}  // namespace dist

#endif  // DIST_CORE_MANIFEST_DIFF_H_
