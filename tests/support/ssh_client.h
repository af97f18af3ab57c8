// Commands over the libssh transport, to the servers of SshWorld.
#ifndef DIST_TESTS_SUPPORT_SSH_CLIENT_H_
#define DIST_TESTS_SUPPORT_SSH_CLIENT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "tests/support/stream_test.h"
#include "transports/ssh/ssh.h"

namespace dist {

inline Patience Soon(absl::Duration limit = absl::Seconds(30)) {
  Patience patience;
  patience.deadline = absl::Now() + limit;
  return patience;
}

inline SshOptions Libssh() {
  SshOptions options;
  options.choice = SshChoice::kLibssh;
  return options;
}

// What the command says until its end, or why there is no stream.
inline std::string Output(const absl::StatusOr<Stream>& stream) {
  if (!stream.ok()) return std::string(stream.status().message());
  return StreamClient(*stream).ReadAll();
}

// "in\n", or what went wrong.
inline std::string EchoOverSsh(const SshAddress& address,
                               const Patience& patience = Soon()) {
  return Output(OpenSshStream(address, "echo in", patience, Libssh()));
}

}  // namespace dist

#endif  // DIST_TESTS_SUPPORT_SSH_CLIENT_H_
