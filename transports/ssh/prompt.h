// Asking the user for a passphrase.
#ifndef DIST_TRANSPORTS_SSH_PROMPT_H_
#define DIST_TRANSPORTS_SSH_PROMPT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "transports/stream.h"

namespace dist {

// Writes `question` to the terminal and reads a line from it, not shown. The
// terminal is /dev/tty, whatever stdin is. One question at a time, and nobody
// else writes meanwhile (terminal.h); blocks.
// Errors: FailedPrecondition if there is no terminal or we are in its
// background; Cancelled, DeadlineExceeded.
absl::StatusOr<std::string> AskSecret(absl::string_view question,
                                      const Patience& patience);

}  // namespace dist

#endif  // DIST_TRANSPORTS_SSH_PROMPT_H_
