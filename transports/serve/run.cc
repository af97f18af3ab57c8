#include "transports/serve/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "core/base/text.h"
#include "transports/kept_children.h"
#include "transports/serve/caller.h"
#include "transports/serve/greeting.h"
#include "transports/spawn.h"
#include "transports/sweep.h"
#include "transports/wait.h"

namespace dist {
namespace {

// A node whose link has ended kills its tests and leaves.
constexpr absl::Duration kPatience = absl::Seconds(5);
constexpr absl::Duration kCleanUp = absl::Seconds(5);

// A test need not know where the key is, or how the server was started.
constexpr const char* kOwnVariables[] = {
    "DIST_KEY_FILE", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "LISTEN_FDS",
    "LISTEN_PID",    "LISTEN_FDNAMES",        "WATCHDOG_USEC", "WATCHDOG_PID"};

// A node of its own for `socket`; it learns its key by `control`, and leaves
// when that ends.
absl::StatusOr<pid_t> StartNode(const std::vector<std::string>& node,
                                int socket, int control) {
  SpawnRequest request;
  request.argv = node;
  request.env = Environment();
  for (const char* const name : kOwnVariables) {
    UnsetVariable(name, &request.env);
  }
  request.fds = {{socket, 0}, {control, 1}};
  if (fcntl(2, F_GETFD) >= 0) request.fds.emplace_back(2, 2);
  return SpawnKept(request);
}

bool Write(int fd, const std::string& bytes) {
  return write(fd, bytes.data(), bytes.size()) ==
         static_cast<ssize_t>(bytes.size());
}

// Waits for the end of a run, whoever makes it, and says who did.
std::string AwaitEnd(int socket, int control, int stop) {
  while (true) {
    pollfd fds[] = {
        {socket, POLLRDHUP, 0}, {control, POLLIN, 0}, {stop, POLLIN, 0}};
    if (poll(fds, 3, -1) < 0 && errno == EINTR) continue;
    if (fds[2].revents != 0) return "stopped";
    int error = 0;
    socklen_t size = sizeof(error);
    if ((fds[0].revents & POLLERR) != 0) {
      getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size);
      return strerror(error);
    }
    if (fds[0].revents != 0) return "closed by the other side";
    return "the node left";
  }
}

}  // namespace

std::string ServeRun(TlsSession tls, const std::vector<std::string>& node,
                     const std::vector<pid_t>& spared, int stop) {
  OwnedFd ours, theirs;
  absl::StatusOr<pid_t> pid = absl::ResourceExhaustedError("socketpair");
  if (MakeSocketPair(&ours, &theirs).ok() &&
      Write(ours.get(), tls.DeriveKey().secret())) {
    pid = StartNode(node, tls.fd(), theirs.get());
  }
  theirs.Reset();
  if (!pid.ok()) {
    TurnAway(&tls,
             {ServeReply::Kind::kTrouble, std::string(pid.status().message())});
    return absl::StrCat("no node: ", Printable(pid.status().message()));
  }
  // The socket has had little to carry so far: there is room for a line.
  const std::string welcome =
      Format(ServeReply{ServeReply::Kind::kWelcome, ""});
  tls.Write(welcome.data(), welcome.size()).IgnoreError();
  // From here on its bytes are the node's.
  OwnedFd socket = tls.Release();
  const std::string how = AwaitEnd(socket.get(), ours.get(), stop);
  ours.Reset();
  socket.Reset();
  BuryChild(*pid, kPatience);
  // What it left behind is ours now.
  const int left = KillDescendants(kCleanUp, spared);
  if (left > 0) return absl::StrCat(left, " processes cannot be killed");
  return how;
}

}  // namespace dist
