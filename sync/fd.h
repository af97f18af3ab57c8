// A descriptor with an owner, and errors with the path they are about.
#ifndef DIST_SYNC_FD_H_
#define DIST_SYNC_FD_H_

#include <unistd.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace dist {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() { Close(); }
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      Close();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }

  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }
  int Release() { return std::exchange(fd_, -1); }
  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

// "PATH: No such file or directory", with a code that fits: NotFound for
// ENOENT, ResourceExhausted for a full disk, PermissionDenied,
// FailedPrecondition for symbolic links and wrong types in the way, else
// Unavailable.
absl::Status ErrnoStatus(int error, absl::string_view path);

// Reads all of a file of at most `limit` bytes. Errors: as above, and
// InvalidArgument if it is longer.
absl::Status ReadWhole(int fd, size_t limit, absl::string_view path,
                       std::string* out);

// Writes all of it, whatever the pieces.
absl::Status WriteAll(int fd, absl::string_view bytes, absl::string_view path);

}  // namespace dist

#endif  // DIST_SYNC_FD_H_
