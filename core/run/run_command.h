// What the run machine wants done. The shell obeys; it decides nothing.
#ifndef DIST_CORE_RUN_RUN_COMMAND_H_
#define DIST_CORE_RUN_RUN_COMMAND_H_

#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "core/model/exit_status.h"
#include "core/model/ids.h"
#include "core/model/node_messages.h"
#include "core/model/run_event.h"

namespace dist {

// Make a link to the host and start a node there. Answer: NodeReady from the
// node, or HostLost.
struct ConnectHost {
  HostId host;
};

// Commands for a host go to a node that is ready, with one exception: CloseNode
// may be for a host that is still being connected; give that up then, and
// answer HostLost.
struct TellNode {
  HostId host;
  NodeCommand command;
};

// Tell the reporters.
struct Announce {
  RunEvent event;
};

// Call RunMachine::Wake at about that time. A later one replaces it.
struct WakeAt {
  absl::Time at;
};

// All is told, all hosts are closed: leave.
struct EndRun {
  ExitStatus status = ExitStatus::kOk;
  int framework_status = 0;  // pytest.exit(returncode=...); 0: use `status`.
};

using RunCommand =
    std::variant<ConnectHost, TellNode, Announce, WakeAt, EndRun>;

}  // namespace dist

#endif  // DIST_CORE_RUN_RUN_COMMAND_H_
