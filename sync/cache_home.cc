#include "sync/cache_home.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"
#include "sync/beneath.h"

namespace dist {
namespace {

absl::Status CheckPrivate(const Fd& fd, const std::string& path) {
  struct stat info;
  if (fstat(fd.get(), &info) != 0) return ErrnoStatus(errno, path);
  if (info.st_uid != geteuid()) {
    return absl::PermissionDeniedError(
        absl::StrCat(Printable(path), " belongs to another account"));
  }
  if ((info.st_mode & 0022) != 0) {
    return absl::PermissionDeniedError(
        absl::StrCat("others may write to ", Printable(path),
                     "\nhelp: chmod 700 ", Printable(path)));
  }
  return absl::OkStatus();
}

// What a node program takes, and some room for a tree.
constexpr uint64_t kRoom = 16 << 20;

// The bytes that are free. Errors: why that is no place to keep things.
absl::StatusOr<uint64_t> CheckUse(const absl::StatusOr<Fd>& folder,
                                  const std::string& path) {
  if (!folder.ok()) return folder.status();
  struct statvfs disk = {};
  if (fstatvfs(folder->get(), &disk) != 0) return ErrnoStatus(errno, path);
  const auto no = [&](absl::string_view why) {
    return absl::FailedPreconditionError(
        absl::StrCat(Printable(path), ": ", why));
  };
  if ((disk.f_flag & ST_RDONLY) != 0) return no("read-only");
  if ((disk.f_flag & ST_NOEXEC) != 0) return no("no program may run there");
  const uint64_t room = uint64_t{disk.f_bavail} * disk.f_frsize;
  if (room < kRoom) return no(absl::StrCat(room >> 10, " KiB are free"));
  if (faccessat(folder->get(), ".", W_OK, AT_EACCESS) != 0) {
    return ErrnoStatus(errno, path);
  }
  return room;
}

// The folder, or the innermost above it that is there.
absl::StatusOr<Fd> OpenNearest(const std::string& path) {
  for (std::string at = path;; at.resize(at.rfind('/'))) {
    if (at.empty()) at = "/";
    Fd fd(open(at.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd.ok()) {
      if (at == path) DIST_RETURN_IF_ERROR(CheckPrivate(fd, path));
      return fd;
    }
    const int why = errno;
    struct stat info;
    // A link that leads nowhere is there, too.
    if (why != ENOENT || lstat(at.c_str(), &info) == 0) {
      return ErrnoStatus(why, at);
    }
  }
}

// The folder `name` in a folder that others may write to, so that no link is
// followed. If it is not there, and not to be made: that folder.
absl::StatusOr<Fd> OpenInShared(const std::string& shared,
                                const std::string& name, bool make) {
  Fd parent(open(shared.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!parent.ok()) return ErrnoStatus(errno, shared);
  struct stat info;
  if (!make &&
      fstatat(parent.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    return parent;
  }
  return OpenPrivateFolderAt(parent.get(), name);
}

CacheHome Find(bool make) {
  const std::string first = CacheHomePath();
  absl::StatusOr<uint64_t> room = absl::NotFoundError("there is no home");
  if (!first.empty()) {
    room =
        CheckUse(make ? OpenPrivateFolder(first) : OpenNearest(first), first);
  }
  if (room.ok()) return {first, "", "", *room};
  const std::string why(room.status().message());
  const std::string name = absl::StrCat("dist-", geteuid());
  for (const std::string shared : {"/var/tmp", "/dev/shm"}) {
    const std::string path = absl::StrCat(shared, "/", name);
    room = CheckUse(OpenInShared(shared, name, make), path);
    if (room.ok()) return {path, why, "", *room};
  }
  return {first, "", why, 0};
}

}  // namespace

std::string CacheHomePath() {
  const char* xdg = getenv("XDG_CACHE_HOME");
  if (xdg != nullptr && xdg[0] == '/') return absl::StrCat(xdg, "/dist");
  const char* home = getenv("HOME");
  // One that is not there ("/nonexistent") is not ours to make.
  struct stat info;
  if (home != nullptr && home[0] == '/' && stat(home, &info) == 0) {
    return absl::StrCat(home, "/.cache/dist");
  }
  return "";
}

CacheHome FindCacheHome() { return Find(/*make=*/true); }

CacheHome LookForCacheHome() { return Find(/*make=*/false); }

bool IsFresh(const std::string& cache_home) {
  struct stat info;
  return !cache_home.empty() &&
         stat((cache_home + "/trees").c_str(), &info) != 0 && errno == ENOENT;
}

absl::StatusOr<Fd> OpenPrivateFolder(const std::string& path) {
  DIST_ASSIGN_OR_RETURN(Fd fd, OpenOrMakeFolder(path, 0700));
  DIST_RETURN_IF_ERROR(CheckPrivate(fd, path));
  return fd;
}

absl::StatusOr<Fd> OpenPrivateFolderAt(int parent, const std::string& name) {
  if (mkdirat(parent, name.c_str(), 0700) != 0 && errno != EEXIST) {
    return ErrnoStatus(errno, name);
  }
  Fd fd(openat(parent, name.c_str(),
               O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.ok()) return ErrnoStatus(errno, name);
  DIST_RETURN_IF_ERROR(CheckPrivate(fd, name));
  return fd;
}

absl::Status ReplaceFile(int folder, const std::string& name,
                         std::initializer_list<absl::string_view> pieces) {
  const std::string temporary = absl::StrCat(name, ".", getpid(), ".new");
  unlinkat(folder, temporary.c_str(), 0);
  Fd fd(openat(folder, temporary.c_str(),
               O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd.ok()) return ErrnoStatus(errno, name);
  absl::Status status;
  for (const absl::string_view piece : pieces) {
    if (status.ok()) status = WriteAll(fd.get(), piece, name);
  }
  if (status.ok() &&
      renameat(folder, temporary.c_str(), folder, name.c_str()) != 0) {
    status = ErrnoStatus(errno, name);
  }
  if (!status.ok()) unlinkat(folder, temporary.c_str(), 0);
  return status;
}

}  // namespace dist
