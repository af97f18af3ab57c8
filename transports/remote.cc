#include "transports/remote.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "transports/bootstrap.h"
#include "transports/bootstrap_script.h"
#include "transports/bundle.h"
#include "transports/exec.h"
#include "transports/ssh/ssh.h"
#include "transports/wait.h"

namespace dist {
namespace {

// A shell that reads commands from its stdin is given one. It is far smaller
// than what a socket holds.
absl::Status Type(const Stream& stream, absl::string_view line) {
  const std::string bytes = absl::StrCat(line, "\n");
  const ssize_t n =
      send(stream.fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  // A command that is gone already says more by how it ended.
  if (n < 0 && errno == EPIPE) return absl::OkStatus();
  if (n == static_cast<ssize_t>(bytes.size())) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("the command cannot be written to: ", strerror(errno)));
}

// `status`, or why there was never a command that could have succeeded.
absl::Status Explained(absl::Status status, const StreamWitness& witness,
                       const StreamExplanation& explain) {
  if (explain == nullptr || !absl::IsUnavailable(status)) return status;
  absl::Status why = explain(witness.end());
  return why.ok() ? status : why;
}

// The stdio of an exec host's shell.
absl::StatusOr<Stream> OpenShell(const HostAddress& host,
                                 const Patience& patience) {
  if (host.via == nullptr) return OpenExecStream(host.command);
  DIST_ASSIGN_OR_RETURN(Stream stream,
                        OpenStream(*host.via, RelayCommand(), patience));
  const absl::Status status = Explained(Relay(&stream, host.command, patience),
                                        *stream.witness, stream.explain);
  if (status.ok()) return stream;
  Abandon(std::move(stream));
  return absl::Status(status.code(), absl::StrCat("through ", host.via->name,
                                                  ": ", status.message()));
}

absl::StatusOr<Connection> MakeNode(const HostAddress& host, Start start,
                                    const Patience& patience) {
  DIST_ASSIGN_OR_RETURN(const Bundles bundles, Bundles::Installed());
  DIST_ASSIGN_OR_RETURN(Stream stream,
                        OpenStream(host, BootstrapCommand(), patience));
  const auto witness = stream.witness;
  const auto explain = std::move(stream.explain);
  // Whoever typed a passphrase has not used up the shell's time.
  const Patience rest = AtMost(absl::InfiniteDuration(), patience);
  auto made = Bootstrap(std::move(stream), bundles, rest, start);
  if (made.ok()) return made;
  return Explained(made.status(), *witness, explain);
}

}  // namespace

absl::StatusOr<Stream> OpenStream(const HostAddress& host,
                                  absl::string_view line,
                                  const Patience& patience) {
  if (host.transport == "exec") {
    DIST_ASSIGN_OR_RETURN(Stream stream, OpenShell(host, patience));
    const absl::Status status = Type(stream, line);
    if (status.ok()) return stream;
    Abandon(std::move(stream));
    return status;
  }
  if (host.transport == "ssh") {
    const SshOptions options{host.ssh_choice, patience.note};
    if (host.via == nullptr) {
      return OpenSshStream(host.ssh, line, patience, options);
    }
    return OpenSshStreamVia(host.via->ssh, host.ssh, line, patience, options);
  }
  return absl::UnimplementedError(
      absl::StrCat(host.transport, " runs no commands"));
}

absl::StatusOr<Connection> ConnectSsh(const HostAddress& host,
                                      const Patience& patience) {
  return MakeNode(host, Start::kAtOnce, patience);
}

absl::StatusOr<Connection> ConnectExec(const HostAddress& host,
                                       const Patience& patience) {
  return MakeNode(host, Start::kWhenGreeted, patience);
}

}  // namespace dist
