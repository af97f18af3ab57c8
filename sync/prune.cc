// What nobody has used for long is removed from the cache home.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "sync/beneath.h"
#include "sync/cache_home.h"
#include "sync/target.h"

namespace dist {
namespace {

constexpr absl::Duration kAge = absl::Hours(30 * 24);
constexpr absl::Duration kEvery = absl::Hours(24);
constexpr uint64_t kStoreLimit = uint64_t{2} << 30;

// The lock's time is that of the last use. Whoever holds it uses the tree.
bool RemoveIfUnused(int project, const std::string& n, absl::Time now) {
  Fd home(openat(project, n.c_str(),
                 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!home.ok()) return false;
  const Fd lock(openat(home.get(), "lock", O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  struct stat info;
  if (!lock.ok() || fstat(lock.get(), &info) != 0 ||
      absl::FromTimeT(info.st_mtim.tv_sec) > now - kAge ||
      flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return false;
  }
  for (const std::string& name : NamesIn(home.get())) {
    // The lock goes last: without it another run would take the folder.
    if (name != "lock") RemoveAll(home.get(), name).IgnoreError();
  }
  unlinkat(home.get(), "lock", 0);
  return unlinkat(project, n.c_str(), AT_REMOVEDIR) == 0;
}

void PruneTrees(int cache_home, absl::Time now) {
  const auto trees = OpenPrivateFolderAt(cache_home, "trees");
  if (!trees.ok()) return;
  for (const std::string& project : NamesIn(trees->get())) {
    const Fd folder(openat(trees->get(), project.c_str(),
                           O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder.ok()) continue;
    bool removed = false;
    for (const std::string& n : NamesIn(folder.get())) {
      removed = RemoveIfUnused(folder.get(), n, now) || removed;
    }
    // Fails if something is left in it.
    if (removed) unlinkat(trees->get(), project.c_str(), AT_REMOVEDIR);
  }
}

}  // namespace

void PruneCacheHome(const std::string& cache_home, absl::Time now) {
  const auto home = OpenPrivateFolder(cache_home);
  if (!home.ok()) return;
  struct stat info;
  if (fstatat(home->get(), "pruned", &info, AT_SYMLINK_NOFOLLOW) == 0 &&
      absl::FromTimeT(info.st_mtim.tv_sec) > now - kEvery) {
    return;
  }
  if (!ReplaceFile(home->get(), "pruned", {}).ok()) return;
  PruneTrees(home->get(), now);
  auto store = Store::Open(home->get());
  if (store.ok()) store->Prune(kAge, kStoreLimit, now);
}

}  // namespace dist
