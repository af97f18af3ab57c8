// Proving to a server who we are: public keys, from the agent and from files.
#ifndef DIST_TRANSPORTS_SSH_AUTH_H_
#define DIST_TRANSPORTS_SSH_AUTH_H_

#include <libssh/libssh.h>

#include "absl/status/status.h"
#include "transports/ssh/settings.h"
#include "transports/stream.h"

namespace dist {

// Logs in as settings.user. Tries keys in OpenSSH's order: the agent's that are
// also IdentityFiles, the agent's others (unless IdentitiesOnly), then key
// files; each key once. Asks for a passphrase only on a terminal, and only
// where the key itself is wanted. Nothing is written to any file. Blocks.
// Errors: Unauthenticated, with the keys that were tried; of `patience`.
absl::Status Authenticate(ssh_session session, const SshSettings& settings,
                          const Patience& patience);

}  // namespace dist

#endif  // DIST_TRANSPORTS_SSH_AUTH_H_
