// The system's ssh program as a stream, for hosts that libssh cannot reach.
#ifndef DIST_TRANSPORTS_SSH_PROGRAM_H_
#define DIST_TRANSPORTS_SSH_PROGRAM_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/xspec/address.h"
#include "transports/stream.h"

namespace dist {

// The command line that runs `command` on the last of `hops`, each reached
// through the one before it. Host keys are strict for all of them, and nothing
// is forwarded, whatever the configuration says.
std::vector<std::string> SshProgramArgv(const std::vector<SshAddress>& hops,
                                        absl::string_view command);

// Runs it. What it and the command write to stderr, and how it ends, goes to
// the stream's witness: a login that fails is seen as the stream's end, and
// explained by the stream, which may take another connection and `patience`.
// The stream's child is to be reaped by the caller.
absl::StatusOr<Stream> OpenProgramStream(const std::vector<SshAddress>& hops,
                                         absl::string_view command,
                                         const Patience& patience);

}  // namespace dist

#endif  // DIST_TRANSPORTS_SSH_PROGRAM_H_
