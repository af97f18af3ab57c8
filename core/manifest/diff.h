// What has to be done to make one tree of another.
#ifndef DIST_CORE_MANIFEST_DIFF_H_
#define DIST_CORE_MANIFEST_DIFF_H_

#include <cstdint>
#include <string>
#include <vector>

#include "core/manifest/manifest.h"

namespace dist {

struct TreeDiff {
  // Paths to remove, what is in a folder before the folder. Something of
  // another type may come to the same path.
  std::vector<std::string> remove;
  // Positions in the wanted manifest, in its order.
  std::vector<uint32_t> make_folders;
  std::vector<uint32_t> make_files;  // New, or with another content.
  std::vector<uint32_t> make_links;  // New, or to another target.
  std::vector<uint32_t> touch;  // Only mode or mtime differ; also of folders.

  bool empty() const {
    return remove.empty() && make_folders.empty() && make_files.empty() &&
           make_links.empty() && touch.empty();
  }
};

// REQUIRES: both pass CheckManifest().
TreeDiff Diff(const Manifest& have, const Manifest& want);

}  // namespace dist

#endif  // DIST_CORE_MANIFEST_DIFF_H_
