// Finds what there is to sync, without reading it.
#ifndef DIST_SYNC_SCAN_H_
#define DIST_SYNC_SCAN_H_

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "core/manifest/ignore.h"
#include "core/manifest/manifest.h"

namespace dist {

// What tells whether a file is still the one that was read.
struct FileFacts {
  uint64_t size = 0;
  int64_t mtime = 0;  // Nanoseconds.
  int64_t ctime = 0;
  uint64_t inode = 0;

  friend bool operator==(const FileFacts& a, const FileFacts& b) {
    return a.size == b.size && a.mtime == b.mtime && a.ctime == b.ctime &&
           a.inode == b.inode;
  }
  friend bool operator!=(const FileFacts& a, const FileFacts& b) {
    return !(a == b);
  }
};

FileFacts FactsOf(const struct stat& info);

// Paths that git lists in a root, relative to that root.
using ListedPaths = std::vector<std::string>;

// A file or folder to sync, with all that is in it.
struct SyncRoot {
  std::string path;  // Relative to the base; "": the base itself.
  // With it, only what it lists, and what is in listed folders.
  std::optional<ListedPaths> listed;
};

struct Scan {
  struct File {
    Entry entry;  // Without a digest.
    FileFacts facts;
  };
  std::vector<File> files;
  std::vector<Entry> others;            // Folders and links.
  std::vector<std::string> warnings;    // One line each; skipped things.
  std::vector<std::string> unreadable;  // Likewise.
};

// Walks the roots below the folder `base` (absolute). Follows no link: links
// are entries. Absolute links to something below the base become relative ones,
// so that they mean the same in another place; `alias` is the base by another
// name, such as one with links in it. Skips FIFOs, sockets, devices
// and other file systems with a warning. Errors: NotFound for a root that does
// not exist.
absl::StatusOr<Scan> ScanTree(const std::string& base,
                              const std::vector<SyncRoot>& roots,
                              const IgnoreRules& rules,
                              const std::string& alias = "");

}  // namespace dist

#endif  // DIST_SYNC_SCAN_H_
