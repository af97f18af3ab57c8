// The node: what runs on a host, one process for all its workers.
#ifndef DIST_ACTORS_NODE_H_
#define DIST_ACTORS_NODE_H_

#include "core/wire/link_session.h"
#include "transports/stream.h"

namespace dist {

// Serves the coordinator behind `link` until it says goodbye or is gone. When
// this returns, no process of the run is left on this host. Call it from main()
// before any thread is made. Returns an exit status.
int RunNode(LinkSocket link);
int RunNode(LinkSocket link, const LinkTimers& timers);

}  // namespace dist

#endif  // DIST_ACTORS_NODE_H_
