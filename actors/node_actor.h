// The node's actor, apart from the process around it.
#ifndef DIST_ACTORS_NODE_ACTOR_H_
#define DIST_ACTORS_NODE_ACTOR_H_

#include <functional>

#include "actors/protocol/handles.h"
#include "transports/processes.h"

namespace dist {

// Makes the link that reports to `sink`.
using MakeNodeLink = std::function<EventLinkHandle(NodeSinkHandle sink)>;

// Serves one coordinator, then calls `done` and ends. Both functions are called
// by the actor. `processes` must outlive it and its workers.
NodeHandle SpawnNode(caf::actor_system& system, MakeNodeLink make_link,
                     Processes* processes, std::function<void()> done);

}  // namespace dist

#endif  // DIST_ACTORS_NODE_ACTOR_H_
