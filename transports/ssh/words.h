// How failures are said.
#ifndef DIST_TRANSPORTS_SSH_WORDS_H_
#define DIST_TRANSPORTS_SSH_WORDS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
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

// A command line for people to try: "ssh -p 2222 me@build1".
std::string SshCommandFor(const SshSettings& settings);

}  // namespace dist

#endif  // DIST_TRANSPORTS_SSH_WORDS_H_
