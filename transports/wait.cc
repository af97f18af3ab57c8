#include "transports/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "transports/terminal.h"

namespace dist {
namespace {

int Millis(absl::Duration d) {
  const int64_t millis = absl::ToInt64Milliseconds(d + absl::Microseconds(999));
  return static_cast<int>(std::clamp<int64_t>(millis, 0, INT_MAX));
}

}  // namespace

absl::Time DeadlineOf(const Patience& patience) {
  return patience.deadline + (TimeOfQuestions() - patience.asked);
}

absl::Status WaitAtMost(int fd, short events, absl::Duration limit,
                        const Patience& patience) {
  const absl::Time end = absl::Now() + limit;
  while (true) {
    const absl::Time now = absl::Now();
    const absl::Time until = std::min(end, DeadlineOf(patience));
    pollfd fds[2] = {{fd, events, 0}, {patience.cancel_fd, POLLIN, 0}};
    const bool forever = until == absl::InfiniteFuture();
    const int n = poll(fds, 2, forever ? -1 : Millis(until - now));
    if (n < 0 && errno != EINTR) {
      return absl::InternalError(absl::StrCat("poll: ", strerror(errno)));
    }
    if (n > 0 && fds[1].revents != 0) return absl::CancelledError("cancelled");
    if (n > 0) return absl::OkStatus();
    if (absl::Now() >= DeadlineOf(patience)) {
      return absl::DeadlineExceededError("timed out");
    }
    if (absl::Now() >= end) return absl::OkStatus();
  }
}

absl::Status WaitFor(int fd, short events, const Patience& patience) {
  return WaitAtMost(fd, events, absl::InfiniteDuration(), patience);
}

absl::Status CheckPatience(const Patience& patience) {
  return WaitAtMost(-1, 0, absl::ZeroDuration(), patience);
}

absl::Status Lock(std::unique_lock<std::timed_mutex>* lock,
                  const Patience& patience) {
  constexpr std::chrono::milliseconds kTurn(100);
  // Not try_lock_for: g++ 12's TSan does not know its system call.
  while (!lock->try_lock_until(std::chrono::system_clock::now() + kTurn)) {
    const absl::Status status = CheckPatience(patience);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

Patience AtMost(absl::Duration limit, const Patience& patience) {
  Patience shorter = patience;
  shorter.asked = TimeOfQuestions();
  shorter.deadline =
      std::min(patience.deadline + (shorter.asked - patience.asked),
               absl::Now() + limit);
  return shorter;
}

bool IsImpatience(const absl::Status& status) {
  return absl::IsCancelled(status) || absl::IsDeadlineExceeded(status);
}

void SetNonBlocking(int fd) {
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

absl::Status MakeSocketPair(OwnedFd* a, OwnedFd* b) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return absl::ResourceExhaustedError(
        absl::StrCat("socketpair: ", strerror(errno)));
  }
  *a = OwnedFd(ends[0]);
  *b = OwnedFd(ends[1]);
  return absl::OkStatus();
}

}  // namespace dist
