#include "transports/stdio.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace dist {
namespace {

absl::Status Error(const char* what) {
  return absl::ResourceExhaustedError(
      absl::StrCat(what, ": ", strerror(errno)));
}

// Two numbers of one socket.
bool IsOneSocket(int a, int b) {
  struct stat first, second;
  return fstat(a, &first) == 0 && fstat(b, &second) == 0 &&
         S_ISSOCK(first.st_mode) && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

bool WriteAll(int fd, const char* data, size_t size) {
  while (size > 0) {
    const ssize_t n = write(fd, data, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    data += n;
    size -= n;
  }
  return true;
}

// Until either end is gone.
void Carry(int from, int to) {
  std::vector<char> buffer(64 << 10);
  while (true) {
    const ssize_t n = read(from, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0 || !WriteAll(to, buffer.data(), n)) return;
  }
}

// Signals are for the threads that come later.
template <class F>
std::thread QuietThread(F run) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::move(run));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace

absl::StatusOr<StdioSocket> StdioSocket::Take() {
  const bool one = IsOneSocket(0, 1);
  const int in = fcntl(0, F_DUPFD_CLOEXEC, 10);
  const int out = one ? -1 : fcntl(1, F_DUPFD_CLOEXEC, 10);
  if (in < 0 || (!one && out < 0)) return Error("stdin and stdout");
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) return Error("/dev/null");
  dup2(null, 0);
  if (dup2(2, 1) < 0) dup2(null, 1);
  if (null > 2) close(null);
  signal(SIGPIPE, SIG_IGN);
  StdioSocket taken;
  if (one) {
    taken.fd_ = in;
    return taken;
  }
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return Error("socketpair");
  }
  taken.fd_ = ends[0];
  const int other = ends[1];
  QuietThread([in, other] {
    Carry(in, other);
    shutdown(other, SHUT_WR);
  }).detach();
  std::promise<void> written;
  taken.written_ = written.get_future();
  QuietThread([out, other, written = std::move(written)]() mutable {
    Carry(other, out);
    // Nobody reads us any more, or there is no more to read.
    shutdown(other, SHUT_RDWR);
    close(out);
    written.set_value();
  }).detach();
  return taken;
}

bool StdioSocket::Drain(absl::Duration patience) {
  if (!written_.valid()) return true;
  return written_.wait_for(absl::ToChronoMilliseconds(patience)) ==
         std::future_status::ready;
}

}  // namespace dist
