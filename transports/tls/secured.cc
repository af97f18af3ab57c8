#include "transports/tls/secured.h"

#include <poll.h>

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

absl::StatusOr<std::shared_ptr<SecuredLink>> TakeOver(
    TlsSession::Side side, Handover handover, const Patience& patience) {
  auto link = std::make_shared<SecuredLink>(
      TlsSession(side, std::move(handover.socket), handover.key));
  DIST_RETURN_IF_ERROR(ShakeHands(&link->session, patience));
  return link;
}

}  // namespace dist
