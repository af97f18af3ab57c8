// Killing what descends from this process.
#ifndef DIST_TRANSPORTS_SWEEP_H_
#define DIST_TRANSPORTS_SWEEP_H_

#include <sys/types.h>

#include <vector>

#include "absl/time/time.h"

namespace dist {

// The children of the calling process, zombies too.
std::vector<pid_t> ChildProcesses();

// Kills what descends from the calling process and reaps it, round after round
// (a subreaper inherits orphans), until nothing is left or `patience` is over.
// Children in `spared`, and those that are kept (kept_children.h), are left
// alone, with all that descends from them.
// Returns how many processes are left.
int KillDescendants(absl::Duration patience, const std::vector<pid_t>& spared);

// Waits until the child `pid` has ended, and reaps it. False: it has not within
// `patience`.
bool WaitForChild(pid_t pid, absl::Duration patience);

}  // namespace dist

#endif  // DIST_TRANSPORTS_SWEEP_H_
