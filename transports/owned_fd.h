// A file descriptor that is closed when nobody wants it any more.
#ifndef DIST_TRANSPORTS_OWNED_FD_H_
#define DIST_TRANSPORTS_OWNED_FD_H_

#include <unistd.h>

#include <utility>

namespace dist {

class OwnedFd {
 public:
  OwnedFd() = default;
  explicit OwnedFd(int fd) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(other.Release()) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~OwnedFd() { Reset(); }

  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }
  void Reset() {
    if (fd_ >= 0) close(Release());
  }

 private:
  int fd_ = -1;
};

}  // namespace dist

#endif  // DIST_TRANSPORTS_OWNED_FD_H_
