#include "sync/coverage_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/status_macros.h"
#include "core/manifest/ignore.h"
#include "sync/beneath.h"
#include "sync/fd.h"
#include "sync/gather.h"

namespace dist {
namespace {

void RemoveEmptyIn(int parent, const std::string& name) {
  {
    const Fd folder(openat(parent, name.c_str(),
                           O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder.ok()) return;
    for (const std::string& inner : NamesIn(folder.get())) {
      RemoveEmptyIn(folder.get(), inner);
    }
  }
  unlinkat(parent, name.c_str(), AT_REMOVEDIR);
}

}  // namespace

absl::StatusOr<int> MoveCoverageFiles(const std::string& from,
                                      const std::string& to) {
  const Fd source(open(from.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!source.ok()) {
    if (errno == ENOENT) return 0;
    return ErrnoStatus(errno, from);
  }
  const Fd target(open(to.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!target.ok()) return ErrnoStatus(errno, to);
  int moved = 0;
  for (const std::string& name : NamesIn(source.get())) {
    struct stat info;
    if (!MatchesGlob(kCoverageFiles, name) ||
        fstatat(source.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(info.st_mode)) {
      continue;
    }
    if (renameat(source.get(), name.c_str(), target.get(), name.c_str()) != 0) {
      return ErrnoStatus(errno, name);
    }
    ++moved;
  }
  return moved;
}

void RemoveEmptyFolders(const std::string& path) {
  RemoveEmptyIn(AT_FDCWD, path);
}

}  // namespace dist
