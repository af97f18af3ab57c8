// The syncer actor: sends a host its trees, before its workers start.
#ifndef DIST_ACTORS_SYNCER_H_
#define DIST_ACTORS_SYNCER_H_

#include "actors/protocol/handles.h"
#include "actors/sync_plan.h"

namespace dist {

// Spawns the syncer of a host, on a thread of its own: it reads files. `fresh`:
// as in NodeReady. Tells `sink` once, then ends. REQUIRES: plan.Wants(host).
SyncerHandle SpawnSyncer(caf::actor_system& system, const SyncPlan& plan,
                         HostId host, uint32_t connection, bool fresh,
                         CommandLinkHandle link, SyncSinkHandle sink);

}  // namespace dist

#endif  // DIST_ACTORS_SYNCER_H_
