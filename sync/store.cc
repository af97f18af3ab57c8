#include "sync/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "core/base/status_macros.h"
#include "sync/beneath.h"
#include "sync/cache_home.h"

namespace dist {
namespace {

struct Stored {
  std::string shelf;
  std::string name;
  int64_t used = 0;  // Seconds since 1970.
  uint64_t size = 0;
};

}  // namespace

absl::StatusOr<Store> Store::Open(int cache_home) {
  Store store;
  DIST_ASSIGN_OR_RETURN(store.folder_,
                        OpenPrivateFolderAt(cache_home, "store"));
  return store;
}

absl::StatusOr<Fd> Store::Find(const Digest& digest) const {
  const std::string hex = digest.Hex();
  const std::string path = hex.substr(0, 2) + "/" + hex.substr(2);
  Fd fd(openat(folder_.get(), path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.ok()) return ErrnoStatus(errno, path);
  // The access time may be off on this file system; this one is ours alone.
  futimens(fd.get(), nullptr);
  return fd;
}

void Store::MoveIn(int folder, const std::string& name, const Digest& digest) {
  const std::string hex = digest.Hex();
  const auto shelf = OpenPrivateFolderAt(folder_.get(), hex.substr(0, 2));
  if (shelf.ok() && renameat(folder, name.c_str(), shelf->get(),
                             hex.substr(2).c_str()) == 0) {
    utimensat(shelf->get(), hex.substr(2).c_str(), nullptr,
              AT_SYMLINK_NOFOLLOW);
    return;
  }
  unlinkat(folder, name.c_str(), 0);
}

void Store::Prune(absl::Duration age, uint64_t limit, absl::Time now) {
  std::vector<Stored> all;
  uint64_t total = 0;
  for (const std::string& shelf : NamesIn(folder_.get())) {
    const auto folder = OpenPrivateFolderAt(folder_.get(), shelf);
    if (!folder.ok()) continue;
    for (const std::string& name : NamesIn(folder->get())) {
      struct stat info;
      if (fstatat(folder->get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) !=
          0) {
        continue;
      }
      const uint64_t size = static_cast<uint64_t>(info.st_blocks) * 512;
      all.push_back({shelf, name, info.st_mtim.tv_sec, size});
      total += size;
    }
  }
  std::sort(all.begin(), all.end(),
            [](const Stored& a, const Stored& b) { return a.used < b.used; });
  const int64_t oldest = absl::ToUnixSeconds(now - age);
  for (const Stored& stored : all) {
    if (stored.used >= oldest && total <= limit) break;
    unlinkat(folder_.get(), (stored.shelf + "/" + stored.name).c_str(), 0);
    total -= stored.size;
  }
}

}  // namespace dist
