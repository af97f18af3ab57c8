#include "sync/beneath.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <memory>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/manifest/path_rules.h"

namespace dist {
namespace {

constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY;

std::atomic<bool> have_openat2{true};

// One component at a time; each must be a real folder.
absl::StatusOr<Fd> OpenStepwise(int root, absl::string_view path, int flags,
                                mode_t mode) {
  Fd folder;
  int at = root;
  absl::string_view rest = path;
  while (true) {
    const size_t slash = rest.find('/');
    const std::string name(rest.substr(0, slash));
    const bool last = slash == absl::string_view::npos;
    const int how = last ? flags : (O_PATH | O_DIRECTORY);
    Fd next(openat(at, name.c_str(), how | O_NOFOLLOW | O_CLOEXEC, mode));
    if (!next.ok()) return ErrnoStatus(errno, path);
    if (last) return next;
    folder = std::move(next);
    at = folder.get();
    rest.remove_prefix(slash + 1);
  }
}

// Kernels now and then want another try: something moved while they looked.
constexpr int kTries = 32;

}  // namespace

absl::StatusOr<Fd> OpenBeneath(int root, absl::string_view path, int flags,
                               mode_t mode, Resolve resolve) {
  if (path.empty()) {
    Fd self(openat(root, ".", flags | O_CLOEXEC, mode));
    if (!self.ok()) return ErrnoStatus(errno, ".");
    return self;
  }
  DIST_RETURN_IF_ERROR(CheckTreePath(path));
  const std::string name(path);
  for (int i = 0; i < kTries && resolve == Resolve::kAuto && have_openat2;
       ++i) {
    open_how how = {};
    how.flags = static_cast<uint64_t>(flags | O_CLOEXEC | O_NOFOLLOW);
    how.mode = (flags & O_CREAT) != 0 ? mode : 0;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    Fd fd(static_cast<int>(
        syscall(SYS_openat2, root, name.c_str(), &how, sizeof(how))));
    if (fd.ok()) return fd;
    // Sandboxes that do not know the call answer with EPERM.
    if (errno == ENOSYS || errno == EPERM) {
      if (errno == ENOSYS) have_openat2 = false;
      break;
    }
    if (errno != EAGAIN) return ErrnoStatus(errno, path);
  }
  return OpenStepwise(root, path, flags, mode);
}

absl::StatusOr<Fd> OpenFolderBeneath(int root, absl::string_view path) {
  return OpenBeneath(root, path, kFolderFlags);
}

absl::StatusOr<int> FolderWalk::At(absl::string_view path) {
  if (path.empty()) return root_;
  if (folder_.ok() && path == path_) return folder_.get();
  DIST_ASSIGN_OR_RETURN(folder_, OpenFolderBeneath(root_, path));
  path_ = std::string(path);
  return folder_.get();
}

absl::StatusOr<Fd> OpenOrMakeFolder(const std::string& path, mode_t mode) {
  for (size_t i = 1; i <= path.size(); ++i) {
    if (i < path.size() && path[i] != '/') continue;
    const std::string folder = path.substr(0, i);
    if (mkdir(folder.c_str(), mode) == 0 || errno == EEXIST) continue;
    const int why = errno;
    // Whether it is one is for open() below to say.
    if (access(folder.c_str(), F_OK) != 0) return ErrnoStatus(why, folder);
  }
  Fd fd(open(path.c_str(), kFolderFlags | O_CLOEXEC));
  if (!fd.ok()) return ErrnoStatus(errno, path);
  return fd;
}

std::vector<std::string> NamesIn(int folder) {
  std::vector<std::string> names;
  const int fd = openat(folder, ".", kFolderFlags | O_CLOEXEC);
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(
      fd < 0 ? nullptr : fdopendir(fd), closedir);
  if (dir == nullptr) return names;
  while (const dirent* entry = readdir(dir.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  return names;
}

void RestoreMode(int folder, const std::string& name, mode_t mode) {
  const Fd fd(openat(folder, name.c_str(),
                     O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat info;
  if (!fd.ok() || fstat(fd.get(), &info) != 0 || info.st_uid != geteuid() ||
      (info.st_mode & 07777) == mode) {
    return;
  }
  // fchmod() takes no O_PATH.
  chmod(absl::StrCat("/proc/self/fd/", fd.get()).c_str(), mode);
}

absl::Status RemoveAll(int folder, const std::string& name) {
  if (unlinkat(folder, name.c_str(), 0) == 0 || errno == ENOENT) {
    return absl::OkStatus();
  }
  // POSIX says EPERM for a folder, Linux EISDIR.
  if (errno != EISDIR && errno != EPERM) return ErrnoStatus(errno, name);
  int fd = openat(folder, name.c_str(), kFolderFlags | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 && errno == EACCES) {
    RestoreMode(folder, name, 0700);
    fd = openat(folder, name.c_str(), kFolderFlags | O_NOFOLLOW | O_CLOEXEC);
  }
  if (fd < 0) return ErrnoStatus(errno, name);
  // What is in a read-only folder cannot be removed.
  (void)!fchmod(fd, 0700);
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(fdopendir(fd), closedir);
  if (dir == nullptr) return ErrnoStatus(errno, name);
  while (const dirent* entry = readdir(dir.get())) {
    const std::string child = entry->d_name;
    if (child == "." || child == "..") continue;
    DIST_RETURN_IF_ERROR(RemoveAll(fd, child));
  }
  if (unlinkat(folder, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
    return ErrnoStatus(errno, name);
  }
  return absl::OkStatus();
}

}  // namespace dist
