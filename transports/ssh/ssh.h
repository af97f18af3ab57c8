// ssh: runs a command on a host and gives its stdin and stdout as a stream.
//
// The user's ssh configuration holds, with these exceptions: host keys are
// always checked strictly, and neither agent, ports nor displays are forwarded.
// docs/ssh.md has the details.
#ifndef DIST_TRANSPORTS_SSH_SSH_H_
#define DIST_TRANSPORTS_SSH_SSH_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/xspec/address.h"
#include "transports/stream.h"

namespace dist {

struct SshOptions {
  SshChoice choice = SshChoice::kAuto;
  // Told, on the calling thread, what the user should know though nothing has
  // failed: one line, once for each host of the process.
  std::function<void(const std::string& line)> note;
};

// Runs `command` on the host. Blocks; may be called by many threads at once.
// Ends within a second once `patience` is over.
//
// Closing the stream's descriptor sends the command an end of its input and
// closes the channel; shutting down its writing side only does the first. The
// descriptor reads an end when the command has closed its stdout; the stream's
// witness then says how the command ended, as far as is known 0.2 s later.
//
// Errors, of one line and most with a second one, "help: ...":
//   NotFound            unknown host
//   Unavailable         refused, unreachable, not an ssh server, channel
//   refused DeadlineExceeded    the host takes too long, or `patience` is over
//   PermissionDenied    host key unknown, changed, revoked
//   Unauthenticated     no key was accepted
//   InvalidArgument     the ssh configuration is wrong
//   FailedPrecondition  no ssh program where one is needed
//   Cancelled           by patience.cancel_fd
absl::StatusOr<Stream> OpenSshStream(const SshAddress& address,
                                     absl::string_view command,
                                     const Patience& patience,
                                     const SshOptions& options = {});

// The same for a host that `outer` reaches: its name is looked up there, and
// its own ProxyJump and ProxyCommand do not count. Both logins start here; no
// key ever is on the outer host.
absl::StatusOr<Stream> OpenSshStreamVia(const SshAddress& outer,
                                        const SshAddress& inner,
                                        absl::string_view command,
                                        const Patience& patience,
                                        const SshOptions& options = {});

}  // namespace dist

#endif  // DIST_TRANSPORTS_SSH_SSH_H_
