// One TLS connection: 1.3, a pre-shared key on both sides, nothing else.
//
// No certificates, no tickets, no early data, one cipher suite, one group
// (X25519, so recorded traffic stays secret when the key is lost). What the
// peer offers beside that is refused: there is nothing to fall back to.
#ifndef DIST_TRANSPORTS_TLS_SESSION_H_
#define DIST_TRANSPORTS_TLS_SESSION_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "transports/owned_fd.h"
#include "transports/tls/key.h"

namespace dist {

struct TlsState;  // Of session.cc.

// Not thread-safe: one thread at a time.
class TlsSession {
 public:
  enum class Side { kClient, kServer };
  // What has to happen on the socket before a call can go on.
  enum class Want { kNothing, kRead, kWrite };

  // `socket`: connected, non-blocking. `ahead`: what was read from it already.
  TlsSession(Side side, OwnedFd socket, const ServeKey& key,
             std::string ahead = "");
  TlsSession(TlsSession&&) noexcept;
  TlsSession& operator=(TlsSession&&) noexcept;
  ~TlsSession();  // Closes the socket.

  int fd() const;

  // Goes on with the handshake; kNothing: it is done, and the peer has the
  // key (a server has proof of it then; a client's peer may still refuse).
  // Errors: PermissionDenied: another key. InvalidArgument: no peer of our
  // kind. Unavailable: the connection is gone. Messages are one clause.
  absl::StatusOr<Want> Shake();

  struct Moved {
    size_t bytes = 0;
    Want want = Want::kNothing;
    bool ended = false;  // The peer said that nothing more comes.
  };
  // Read up to, or write some of, `size` > 0 bytes. A Write that moved nothing
  // is repeated with the same bytes. Errors as of Shake.
  absl::StatusOr<Moved> Read(char* data, size_t size);
  absl::StatusOr<Moved> Write(const char* data, size_t size);

  // Decrypted bytes that wait to be read; the socket does not announce them.
  size_t pending() const;

  // Tells the peer that nothing more comes, if there is room for it.
  void Finish();

  // A key that only the two ends of this session can know. The handshake must
  // be done.
  ServeKey DeriveKey() const;
  // Gives the socket away. The peer is told nothing, and the session is of no
  // further use.
  OwnedFd Release();

 private:
  std::unique_ptr<TlsState> state_;
};

}  // namespace dist

#endif  // DIST_TRANSPORTS_TLS_SESSION_H_
