// The gatherer actor: sends what tests wrote to the coordinator.
#ifndef DIST_ACTORS_GATHERER_H_
#define DIST_ACTORS_GATHERER_H_

#include <string>

#include "absl/time/time.h"
#include "actors/protocol/handles.h"

namespace dist {

// Spawns one for a fetch, on a thread of its own: it reads files. Obeys
// FetchFiles and FetchAnswered. `artifacts`: the node's own folder; may be "".
// `since`: when the node started.
GathererHandle SpawnGatherer(caf::actor_system& system, EventLinkHandle link,
                             std::string artifacts, absl::Time since);

}  // namespace dist

#endif  // DIST_ACTORS_GATHERER_H_
