// Links over TLS.
#ifndef DIST_TRANSPORTS_TLS_SECURED_H_
#define DIST_TRANSPORTS_TLS_SECURED_H_

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "transports/stream.h"
#include "transports/tls/session.h"

namespace dist {

class TlsLink : public SecuredLink {
 public:
  // Its handshake is done before anything is read or written.
  explicit TlsLink(TlsSession session) : session_(std::move(session)) {}

  absl::StatusOr<size_t> Read(char* data, size_t size) override;
  absl::StatusOr<size_t> Write(const char* data, size_t size) override;
  size_t pending() const override { return session_.pending(); }
  void Finish() override;

  TlsSession& session() { return session_; }

 private:
  TlsSession session_;
  bool finished_ = false;  // Or failed: OpenSSL must not be asked any more.
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
absl::StatusOr<LinkSocket> TakeOver(TlsSession::Side side, Handover handover,
                                    const Patience& patience);

// Goes on with the handshake of `tls` until it is done. Errors likewise.
absl::Status ShakeHands(TlsSession* tls, const Patience& patience);

}  // namespace dist

#endif  // DIST_TRANSPORTS_TLS_SECURED_H_
