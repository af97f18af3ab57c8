#include "sync/swap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <utility>

#include "core/base/status_macros.h"
#include "core/manifest/ignore.h"
#include "core/manifest/path_rules.h"
#include "sync/beneath.h"
#include "sync/fd.h"

namespace dist {
namespace {

constexpr char kOld[] = "old";
constexpr char kAt[] = "at";
constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

bool Exists(int folder, const std::string& name) {
  struct stat info;
  return fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
}

bool IsFolder(int folder, const std::string& name) {
  struct stat info;
  return fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISDIR(info.st_mode);
}

// EXDEV: a folder of a lower layer of an overlayfs.
absl::Status CannotMove(int error, const std::string& name) {
  return error == EXDEV ? absl::UnimplementedError(name)
                        : ErrnoStatus(error, name);
}

absl::StatusOr<std::string> SwapInTwoSteps(int stage, const std::string& made,
                                           int folder,
                                           const std::string& name) {
  if (!IsFolder(stage, made) && !IsFolder(folder, name)) {
    // For the store, if it can be had; what comes replaces it anyway.
    const bool kept =
        linkat(folder, name.c_str(), stage, kOld, /*flags=*/0) == 0;
    if (renameat(stage, made.c_str(), folder, name.c_str()) != 0) {
      return ErrnoStatus(errno, name);
    }
    return std::string(kept ? kOld : "");
  }
  if (renameat(folder, name.c_str(), stage, kOld) != 0) {
    return CannotMove(errno, name);
  }
  if (renameat(stage, made.c_str(), folder, name.c_str()) != 0) {
    const int error = errno;
    (void)!renameat(stage, kOld, folder, name.c_str());
    return ErrnoStatus(error, name);
  }
  return std::string(kOld);
}

// What tests and their tools keep: the topmost of such things.
void MoveIgnored(Fd from, const Fd& to) {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(fdopendir(from.get()),
                                                closedir);
  if (dir == nullptr) return;
  const int folder = from.Release();
  while (const dirent* const entry = readdir(dir.get())) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (IsAlwaysIgnored(name) && !Exists(to.get(), name)) {
      (void)!renameat(folder, name.c_str(), to.get(), name.c_str());
      continue;
    }
    if (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN) continue;
    Fd child(openat(folder, name.c_str(), kFolderFlags));
    const Fd other(openat(to.get(), name.c_str(), kFolderFlags));
    if (child.ok() && other.ok()) MoveIgnored(std::move(child), other);
  }
}

}  // namespace

absl::StatusOr<std::string> Swap(int stage, const std::string& made, int folder,
                                 const std::string& name) {
  if (!Exists(folder, name)) {
    if (!made.empty() &&
        renameat(stage, made.c_str(), folder, name.c_str()) != 0) {
      return ErrnoStatus(errno, name);
    }
    return std::string();
  }
  if (made.empty()) {
    if (renameat(folder, name.c_str(), stage, kOld) != 0) {
      return CannotMove(errno, name);
    }
    return std::string(kOld);
  }
  if (renameat2(stage, made.c_str(), folder, name.c_str(), RENAME_EXCHANGE) ==
      0) {
    return made;
  }
  // Sandboxes that do not know the call answer with EPERM.
  if (errno == ENOSYS || errno == EINVAL || errno == EPERM ||
      errno == EOPNOTSUPP || errno == EXDEV) {
    return SwapInTwoSteps(stage, made, folder, name);
  }
  return ErrnoStatus(errno, name);
}

absl::Status NoteSwap(int stage, const std::string& path) {
  const Fd fd(openat(
      stage, kAt, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd.ok()) return ErrnoStatus(errno, kAt);
  return WriteAll(fd.get(), path, kAt);
}

void RecoverSwap(int home) {
  const Fd stage(openat(home, "stage", kFolderFlags));
  if (!stage.ok()) return;
  const Fd at(openat(stage.get(), kAt, O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  std::string path;
  if (!at.ok() || !ReadWhole(at.get(), kMaxPath, kAt, &path).ok()) return;
  Fd tree;
  Fd parent(openat(home, ".", kFolderFlags));
  std::string name = "tree";
  if (!path.empty()) {
    tree = Fd(openat(home, "tree", kFolderFlags));
    if (!tree.ok() || !CheckTreePath(path).ok()) return;
    auto folder = OpenFolderBeneath(tree.get(), ParentPath(path));
    if (!folder.ok()) return;
    parent = *std::move(folder);
    name = std::string(BaseName(path));
  }
  if (!Exists(parent.get(), name)) {
    (void)!renameat(stage.get(), kOld, parent.get(), name.c_str());
    return;
  }
  const Fd to(openat(parent.get(), name.c_str(), kFolderFlags));
  if (!to.ok()) return;
  for (const char* old : {kNew, kOld}) {
    Fd from(openat(stage.get(), old, kFolderFlags));
    if (from.ok()) MoveIgnored(std::move(from), to);
  }
}

}  // namespace dist
