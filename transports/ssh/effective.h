// The effective settings of a host, from the user's ssh configuration.
#ifndef DIST_TRANSPORTS_SSH_EFFECTIVE_H_
#define DIST_TRANSPORTS_SSH_EFFECTIVE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/xspec/address.h"
#include "transports/ssh/known_hosts.h"
#include "transports/ssh/settings.h"
#include "transports/stream.h"

namespace dist {

// True if there is an ssh program along PATH.
bool HasSshProgram();

// Asks `ssh -G`, which knows all of OpenSSH's configuration; without an ssh
// program, libssh's own reader, which knows a part. Also looks at the identity
// and known_hosts files for what libssh cannot use. Blocks. Errors: one line
// with the program's words.
absl::StatusOr<SshSettings> LoadSshSettings(const SshAddress& address,
                                            const Patience& patience);

// ExpandSshTokens with what holds for these settings.
absl::StatusOr<std::string> Expand(const SshSettings& settings,
                                   absl::string_view text);

// The identity files that are there, with ~ and tokens expanded, in order.
std::vector<std::string> IdentityFiles(const SshSettings& settings);

// All that the known_hosts files say of the host.
KnownKeys LoadKnownKeys(const SshSettings& settings);

// A file's content, at most 1 MiB of it; "" if it cannot be read.
std::string ReadSmallFile(const std::string& path);

}  // namespace dist

#endif  // DIST_TRANSPORTS_SSH_EFFECTIVE_H_
