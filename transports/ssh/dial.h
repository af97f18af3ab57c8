// The bytes under an ssh session: a TCP connection or a ProxyCommand.
#ifndef DIST_TRANSPORTS_SSH_DIAL_H_
#define DIST_TRANSPORTS_SSH_DIAL_H_

#include <sys/types.h>

#include "absl/status/statusor.h"
#include "transports/owned_fd.h"
#include "transports/ssh/settings.h"
#include "transports/stream.h"

namespace dist {

struct Dialled {
  OwnedFd fd;        // A stream socket, close-on-exec.
  pid_t child = -1;  // The ProxyCommand, in a process group of its own.
  OwnedFd words;     // What it says on stderr, to be read; else -1.
};

// Connects to host and port, or starts the ProxyCommand. Blocks. Errors are
// words for people: unknown host, refused, timed out, unreachable.
absl::StatusOr<Dialled> Dial(const SshSettings& settings,
                             const Patience& patience);

}  // namespace dist

#endif  // DIST_TRANSPORTS_SSH_DIAL_H_
