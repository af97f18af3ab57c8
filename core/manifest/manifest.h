// A tree of files as data: what it holds, and by which hash.
#ifndef DIST_CORE_MANIFEST_MANIFEST_H_
#define DIST_CORE_MANIFEST_MANIFEST_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "core/manifest/digest.h"

namespace dist {

enum class EntryType : uint8_t { kFolder = 0, kFile = 1, kLink = 2 };

struct Entry {
  std::string path;  // Bytes; see path_rules.h.
  EntryType type = EntryType::kFile;
  uint32_t mode = 0644;  // Of files and folders; within kModeMask.
  uint64_t size = 0;     // Of files, as are the next two.
  int64_t mtime = 0;     // Nanoseconds since 1970.
  Digest digest;         // Of the content.
  std::string target;    // Of symbolic links: bytes, never followed.

  friend bool operator==(const Entry& a, const Entry& b) {
    return a.path == b.path && a.type == b.type && a.mode == b.mode &&
           a.size == b.size && a.mtime == b.mtime && a.digest == b.digest &&
           a.target == b.target;
  }
  friend bool operator!=(const Entry& a, const Entry& b) { return !(a == b); }
};

// Nobody but the owner may write, and nothing is set-uid.
inline constexpr uint32_t kModeMask = 0755;
// A content larger than this is refused: 16 TiB, what ext4 can hold.
inline constexpr uint64_t kMaxFileSize = uint64_t{1} << 44;
inline constexpr size_t kMaxEntries = 2'000'000;

// A tree while it is put together: in the order of ComparePaths, each path
// once, each folder before what is in it. A hard link is a file like any other.
// What is kept is a PackedManifest.
struct Manifest {
  std::vector<Entry> entries;
};

// Sorts, and adds the folders (0755) that entries are in and nobody listed.
// Of entries with one path the first stays.
void Complete(Manifest* manifest);

// Whether entries, told one after another, are what Complete() gives of safe
// paths.
class ManifestChecker {
 public:
  // Errors: InvalidArgument.
  absl::Status Add(const Entry& entry);

 private:
  std::string previous_;
  std::vector<std::string> open_;  // Folders that the next entry may be in.
};

// The same of all entries, of which there may be kMaxEntries.
absl::Status CheckManifest(const Manifest& manifest);

}  // namespace dist

#endif  // DIST_CORE_MANIFEST_MANIFEST_H_
