// The stream of a link over TLS, for those who read and write it themselves.
#ifndef DIST_TRANSPORTS_TLS_SECURED_H_
#define DIST_TRANSPORTS_TLS_SECURED_H_

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "transports/stream.h"
#include "transports/tls/session.h"

namespace dist {

// One thread at a time, but for the witness.
struct SecuredLink {
  explicit SecuredLink(TlsSession s) : session(std::move(s)) {}

  TlsSession session;  // Its handshake is done.
  // Whoever uses the session says here how it ended.
  StreamWitness witness;
};

// What is left of a session when its last byte has been read: its socket, and
// a key that only the two ends can know. Another session goes on with these,
// in another process, too, which so need not know the key of all.
struct Handover {
  OwnedFd socket;
  ServeKey key;
};
Handover HandOver(TlsSession session);

// Makes that session; the other end does so at the same time. Blocks. Errors:
// as of TlsSession::Shake; Cancelled, DeadlineExceeded.
absl::StatusOr<std::shared_ptr<SecuredLink>> TakeOver(TlsSession::Side side,
                                                      Handover handover,
                                                      const Patience& patience);

// Goes on with the handshake of `tls` until it is done. Errors likewise.
absl::Status ShakeHands(TlsSession* tls, const Patience& patience);

}  // namespace dist

#endif  // DIST_TRANSPORTS_TLS_SECURED_H_
