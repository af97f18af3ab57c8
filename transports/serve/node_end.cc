#include "transports/serve/node_end.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <utility>

#include "absl/time/clock.h"
#include "core/base/status_macros.h"
#include "transports/tls/secured.h"
#include "transports/wait.h"

namespace dist {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(10);

absl::StatusOr<ServeKey> ReadKey(int control) {
  std::string secret(ServeKey::kBytes, '\0');
  if (recv(control, &secret[0], secret.size(), MSG_WAITALL) !=
      static_cast<ssize_t>(secret.size())) {
    return absl::FailedPreconditionError(
        "this is for dist serve to start\nhelp: dist serve");
  }
  return ServeKey(std::move(secret));
}

// Ends the stream when dist serve closes its end of `control`.
void FollowServer(OwnedFd control, int socket) {
  // Signals are for others: the node waits for those of its children.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread([control = std::move(control), socket] {
    char c;
    while (recv(control.get(), &c, 1, 0) < 0 && errno == EINTR) {
    }
    shutdown(socket, SHUT_RDWR);
  }).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace

absl::StatusOr<LinkSocket> TakeServedLink() {
  signal(SIGPIPE, SIG_IGN);
  OwnedFd socket(fcntl(0, F_DUPFD_CLOEXEC, 3));
  OwnedFd control(fcntl(1, F_DUPFD_CLOEXEC, 3));
  const OwnedFd nothing(open("/dev/null", O_RDWR | O_CLOEXEC));
  dup2(nothing.get(), 0);
  // A stray print must not get anywhere.
  if (dup2(2, 1) < 0) dup2(nothing.get(), 1);
  DIST_ASSIGN_OR_RETURN(ServeKey key, ReadKey(control.get()));
  // Of its own, since those of the session may be closed and used again.
  FollowServer(std::move(control), fcntl(socket.get(), F_DUPFD_CLOEXEC, 3));
  Patience patience;
  patience.deadline = absl::Now() + kPatience;
  return TakeOver(TlsSession::Side::kServer,
                  {std::move(socket), std::move(key)}, patience);
}

}  // namespace dist
