// popen: a node as a local child, over a socketpair.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "transports/kept_children.h"
#include "transports/spawn.h"
#include "transports/transport.h"

namespace dist {

absl::StatusOr<Connection> ConnectPopen(const HostAddress&, const Patience&) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return absl::ResourceExhaustedError(
        absl::StrCat("socketpair: ", strerror(errno)));
  }
  SpawnRequest request;
  request.argv = {"/proc/self/exe", "node", "--stdio"};
  request.env = Environment();
  // A session of its own: Ctrl-C is for the coordinator, which tells the node.
  request.fds = {{ends[1], 0}, {ends[1], 1}};
  if (fcntl(2, F_GETFD) >= 0) request.fds.emplace_back(2, 2);
  absl::StatusOr<pid_t> pid = SpawnKept(request);
  close(ends[1]);
  if (!pid.ok()) {
    close(ends[0]);
    return pid.status();
  }
  return Connection{ends[0], *pid, nullptr};
}

}  // namespace dist
