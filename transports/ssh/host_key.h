// Checking that a server is who it should be. Always strict: an unknown key is
// refused as well as a changed one, whatever StrictHostKeyChecking says.
#ifndef DIST_TRANSPORTS_SSH_HOST_KEY_H_
#define DIST_TRANSPORTS_SSH_HOST_KEY_H_

#include <libssh/libssh.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "transports/ssh/known_hosts.h"
#include "transports/ssh/settings.h"

namespace dist {

// Key algorithms to ask a server for: those of the key types it is known by,
// then all others, so that a server with several keys shows one that we know.
std::string HostKeyAlgorithms(const std::vector<std::string>& known_types);

// Checks the key that the server of `session` has proven to have. Errors:
// PermissionDenied, with its fingerprint and what to do.
absl::Status CheckHostKey(ssh_session session, const SshSettings& settings,
                          const KnownKeys& known);

}  // namespace dist

#endif  // DIST_TRANSPORTS_SSH_HOST_KEY_H_
