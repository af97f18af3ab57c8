#include "transports/tls/secured.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <utility>

#include "core/base/status_macros.h"
#include "transports/wait.h"

namespace dist {

using Want = TlsSession::Want;

absl::Status ShakeHands(TlsSession* tls, const Patience& patience) {
  while (true) {
    DIST_ASSIGN_OR_RETURN(const Want want, tls->Shake());
    if (want == Want::kNothing) return absl::OkStatus();
    DIST_RETURN_IF_ERROR(
        WaitFor(tls->fd(), want == Want::kWrite ? POLLOUT : POLLIN, patience));
  }
}

Handover HandOver(TlsSession session) {
  ServeKey key = session.DeriveKey();
  return {session.Release(), std::move(key)};
}

absl::StatusOr<LinkSocket> TakeOver(TlsSession::Side side, Handover handover,
                                    const Patience& patience) {
  auto link = std::make_shared<TlsLink>(
      TlsSession(side, std::move(handover.socket), handover.key));
  DIST_RETURN_IF_ERROR(ShakeHands(&link->session(), patience));
  const int fd = fcntl(link->session().fd(), F_DUPFD_CLOEXEC, 3);
  if (fd < 0) return absl::ResourceExhaustedError("too many open files");
  return LinkSocket(fd, std::move(link));
}

absl::StatusOr<size_t> TlsLink::Read(char* data, size_t size) {
  const absl::StatusOr<TlsSession::Moved> moved = session_.Read(data, size);
  finished_ = finished_ || !moved.ok();
  if (!moved.ok()) return moved.status();
  if (moved->ended) return absl::UnavailableError("closed by the other side");
  return moved->bytes;
}

absl::StatusOr<size_t> TlsLink::Write(const char* data, size_t size) {
  const absl::StatusOr<TlsSession::Moved> moved = session_.Write(data, size);
  finished_ = finished_ || !moved.ok();
  if (!moved.ok()) return moved.status();
  return moved->bytes;
}

void TlsLink::Finish() {
  if (std::exchange(finished_, true)) return;
  session_.Finish();
  shutdown(session_.fd(), SHUT_WR);
}

}  // namespace dist
