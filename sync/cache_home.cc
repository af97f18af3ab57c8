#include "sync/cache_home.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
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

// What the node's program needs (docs/bootstrap.md), more or less: it would be
// in that folder if there were as much.
constexpr uint64_t kLeastFree = uint64_t{16} << 20;

bool CanHold(const std::string& folder) {
  if (folder.empty()) return false;
  const absl::StatusOr<Fd> fd = OpenPrivateFolder(folder);
  struct statvfs disk = {};
  if (fd.ok() && fstatvfs(fd->get(), &disk) == 0) {
    return (disk.f_flag & ST_RDONLY) == 0 &&
           uint64_t{disk.f_bavail} * disk.f_frsize >= kLeastFree &&
           faccessat(fd->get(), ".", W_OK, AT_EACCESS) == 0;
  }
  // One that is not safe is to be put right, not to be got round.
  return access(folder.c_str(), F_OK) == 0;
}

// FOLDER of "FOLDER/programs/HASH/NAME", else "".
std::string FolderOfProgram(absl::string_view program) {
  for (int i = 0; i < 2; ++i) {
    program = program.substr(0, program.rfind('/'));
  }
  if (!absl::ConsumeSuffix(&program, "/programs")) return "";
  return std::string(program);
}

}  // namespace

std::string CacheHomePath() {
  const char* xdg = getenv("XDG_CACHE_HOME");
  if (xdg != nullptr && xdg[0] == '/') return absl::StrCat(xdg, "/dist");
  const char* home = getenv("HOME");
  // One that is not there is not ours to make: "/nonexistent", of services.
  struct stat info;
  if (home != nullptr && home[0] == '/' && stat(home, &info) == 0 &&
      S_ISDIR(info.st_mode)) {
    return absl::StrCat(home, "/.cache/dist");
  }
  return "";
}

bool IsFresh(const std::string& cache_home) {
  struct stat info;
  return !cache_home.empty() &&
         stat((cache_home + "/trees").c_str(), &info) != 0 && errno == ENOENT;
}

std::string ChooseCacheHome(const std::string& usual,
                            const std::string& program) {
  const std::string folder = FolderOfProgram(program);
  if (folder.empty() || folder == usual || CanHold(usual)) return usual;
  return OpenPrivateFolder(folder).ok() ? folder : usual;
}

const std::string& NodeCacheHomePath() {
  static const auto* path = [] {
    char program[PATH_MAX];
    const ssize_t n = readlink("/proc/self/exe", program, sizeof(program));
    return new std::string(
        ChooseCacheHome(CacheHomePath(), std::string(program, n > 0 ? n : 0)));
  }();
  return *path;
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
                         absl::string_view bytes) {
  const std::string temporary = absl::StrCat(name, ".", getpid(), ".new");
  unlinkat(folder, temporary.c_str(), 0);
  Fd fd(openat(folder, temporary.c_str(),
               O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd.ok()) return ErrnoStatus(errno, name);
  absl::Status status = WriteAll(fd.get(), bytes, name);
  if (status.ok() &&
      renameat(folder, temporary.c_str(), folder, name.c_str()) != 0) {
    status = ErrnoStatus(errno, name);
  }
  if (!status.ok()) unlinkat(folder, temporary.c_str(), 0);
  return status;
}

}  // namespace dist
