#include "sync/fd.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/text.h"

namespace dist {

absl::Status ErrnoStatus(int error, absl::string_view path) {
  const std::string text = absl::StrCat(Printable(path), ": ", strerror(error));
  switch (error) {
    case ENOENT:
      return absl::NotFoundError(text);
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
      return absl::ResourceExhaustedError(text);
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError(text);
    case ELOOP:
    case ENOTDIR:
    case EISDIR:
    case EEXIST:
    case ENOTEMPTY:
    case EXDEV:
      return absl::FailedPreconditionError(text);
    default:
      return absl::UnavailableError(text);
  }
}

absl::Status ReadWhole(int fd, size_t limit, absl::string_view path,
                       std::string* out) {
  out->clear();
  constexpr size_t kStep = 1 << 16;
  struct stat info;
  if (fstat(fd, &info) == 0 && info.st_size > 0) {
    const size_t size = std::min<uint64_t>(info.st_size, limit);
    out->reserve(size + kStep);
  }
  while (true) {
    const size_t before = out->size();
    out->resize(before + kStep);
    const ssize_t n = read(fd, &(*out)[before], kStep);
    out->resize(before + (n > 0 ? n : 0));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoStatus(errno, path);
    if (n == 0) return absl::OkStatus();
    if (out->size() > limit) {
      return absl::InvalidArgumentError(
          absl::StrCat(Printable(path), ": longer than ", limit, " bytes"));
    }
  }
}

absl::Status WriteAll(int fd, absl::string_view bytes, absl::string_view path) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoStatus(errno, path);
    bytes.remove_prefix(n);
  }
  return absl::OkStatus();
}

}  // namespace dist
