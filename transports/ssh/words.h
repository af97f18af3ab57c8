// How failures are said.
#ifndef DIST_TRANSPORTS_SSH_WORDS_H_
#define DIST_TRANSPORTS_SSH_WORDS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/xspec/address.h"
#include "transports/ssh/settings.h"

namespace dist {

// "CAUSE" or, with help, "CAUSE\nhelp: HELP".
absl::Status Failure(absl::StatusCode code, absl::string_view cause,
                     absl::string_view help = "");

// What another machine or program said: on one line, control characters made
// harmless, of a length for people.
std::string ForeignWords(absl::string_view text);

// "HOST" or "HOST port N".
std::string Where(const SshSettings& settings);

// A word for sh(1), quoted where needed.
std::string ShellWord(absl::string_view word);

// The options of `address` as ssh(1) takes them, without -J and the host.
std::vector<std::string> SshArguments(const SshAddress& address);

// A command line for people to try, which means the same as the spec that the
// address comes from: "ssh -p 2222 me@build1", with `more` after "ssh ".
std::string SshCommandFor(const SshAddress& address,
                          absl::string_view more = "");

}  // namespace dist

#endif  // DIST_TRANSPORTS_SSH_WORDS_H_
