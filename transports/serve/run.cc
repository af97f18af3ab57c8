#include "transports/serve/run.h"

#include <fcntl.h>

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
#include "transports/tls/pump.h"
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

absl::StatusOr<pid_t> StartNode(const std::vector<std::string>& node,
                                int link) {
  SpawnRequest request;
  request.argv = node;
  request.env = Environment();
  for (const char* const name : kOwnVariables) {
    UnsetVariable(name, &request.env);
  }
  request.fds = {{link, 0}, {link, 1}};
  if (fcntl(2, F_GETFD) >= 0) request.fds.emplace_back(2, 2);
  return SpawnKept(request);
}

}  // namespace

std::string ServeRun(TlsSession tls, const std::vector<std::string>& node,
                     const std::vector<pid_t>& spared, int stop) {
  OwnedFd ours, theirs;
  absl::StatusOr<pid_t> pid = MakeSocketPair(&ours, &theirs).ok()
                                  ? StartNode(node, theirs.get())
                                  : absl::ResourceExhaustedError("socketpair");
  theirs.Reset();
  if (!pid.ok()) {
    TurnAway(&tls,
             {ServeReply::Kind::kTrouble, std::string(pid.status().message())});
    return absl::StrCat("no node: ", Printable(pid.status().message()));
  }
  PumpEnds ends;
  ends.tls = &tls;
  ends.local = ours.get();
  ends.stop = stop;
  ends.to_peer = Format(ServeReply{ServeReply::Kind::kWelcome, ""});
  const std::string how = PumpTls(std::move(ends));
  ours.Reset();
  BuryChild(*pid, kPatience);
  // What it left behind is ours now.
  const int left = KillDescendants(kCleanUp, spared);
  if (left > 0) return absl::StrCat(left, " processes cannot be killed");
  return how.empty() ? "the node left" : Printable(how);
}

}  // namespace dist
