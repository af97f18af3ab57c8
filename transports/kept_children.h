// Child processes that are there on purpose.
//
// A coordinator kills what a lost node left behind: whatever descends from it
// and is not known (sweep.h). Other hosts' processes must be known then, from
// the moment they exist, on whichever thread they are made.
#ifndef DIST_TRANSPORTS_KEPT_CHILDREN_H_
#define DIST_TRANSPORTS_KEPT_CHILDREN_H_

#include <sys/types.h>

#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "transports/spawn.h"

namespace dist {

// Spawn(); the process is kept until it is reaped. Thread-safe, as are all.
absl::StatusOr<pid_t> SpawnKept(const SpawnRequest& request);

// Those that are kept. No process is between being made and being here.
std::vector<pid_t> KeptChildren();

// Sees to the end of a kept child and reaps it: it has `patience` to leave by
// itself, then it and its process group are killed.
void BuryChild(pid_t pid, absl::Duration patience);

}  // namespace dist

#endif  // DIST_TRANSPORTS_KEPT_CHILDREN_H_
