// A libssh session that is driven without blocking.
#ifndef DIST_TRANSPORTS_SSH_SESSION_H_
#define DIST_TRANSPORTS_SSH_SESSION_H_

#include <libssh/libssh.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transports/owned_fd.h"
#include "transports/ssh/known_hosts.h"
#include "transports/ssh/settings.h"
#include "transports/stream.h"

namespace dist {

// Closes the connection as well.
struct SessionCloser {
  void operator()(ssh_session session) const { ssh_free(session); }
};
using SshSession = std::unique_ptr<ssh_session_struct, SessionCloser>;

// Calls `call` until it returns something else than `again`, waiting for the
// session's socket in between. Errors: of `patience`.
absl::StatusOr<int> Drive(ssh_session session, int again,
                          const Patience& patience,
                          const std::function<int()>& call);

struct Handshake {
  SshSession session;
  // The server closed the connection before it said who it is: it has too many
  // logins pending. Another attempt may succeed.
  bool turned_away = false;
  absl::Status status;
};

// Exchanges keys with the server at the other end of `fd` and checks that its
// key is one of `known`. Blocks.
Handshake ShakeHands(OwnedFd fd, const SshSettings& settings,
                     const KnownKeys& known, const Patience& patience);

// What libssh, or the server through it, says has gone wrong.
std::string SessionWords(ssh_session session);

}  // namespace dist

#endif  // DIST_TRANSPORTS_SSH_SESSION_H_
