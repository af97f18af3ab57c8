// The node: what runs on a host, one process for all its workers.
#ifndef DIST_ACTORS_NODE_H_
#define DIST_ACTORS_NODE_H_

#include "core/wire/link_session.h"

namespace dist {

// Serves the coordinator behind `fd`, a connected stream socket, until it says
// goodbye or is gone. When this returns, no process of the run is left on this
// host. Call it from main() before any thread is made. Returns an exit status.
int RunNode(int fd);
int RunNode(int fd, const LinkTimers& timers);

}  // namespace dist

#endif  // DIST_ACTORS_NODE_H_
