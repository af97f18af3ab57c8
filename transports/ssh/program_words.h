// What the ssh program says when it does not get to run a command.
#ifndef DIST_TRANSPORTS_SSH_PROGRAM_WORDS_H_
#define DIST_TRANSPORTS_SSH_PROGRAM_WORDS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/xspec/address.h"

namespace dist {

// Why `ssh` ended with exit status 255 on the way to `address`, from what it
// wrote to stderr: with the codes, and much in the words, that the way through
// libssh has for the same. `shown` is what ShownHostKey gave.
absl::Status ProgramFailure(const SshAddress& address, absl::string_view words,
                            absl::string_view shown = "");

// True if it misses the host's key in known_hosts.
bool MissesHostKey(absl::string_view words);

// "ssh-ed25519 SHA256:...", the last host key that `ssh -v` says it was shown;
// empty if it says of none.
std::string ShownHostKey(absl::string_view verbose);

}  // namespace dist

#endif  // DIST_TRANSPORTS_SSH_PROGRAM_WORDS_H_
