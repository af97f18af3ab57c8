// The replica actor: writes one tree on a host, and keeps it for the run.
#ifndef DIST_ACTORS_REPLICA_H_
#define DIST_ACTORS_REPLICA_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "actors/protocol/handles.h"

namespace dist {

// Spawns the replica of tree number `tree`, on a thread of its own: it blocks.
// What it keeps is in `cache_home`.
// Answers through `link`, and gives it credit for what it has dealt with. Once
// `*stop` is true it does nothing more. Ends when it is told to exit; then the
// tree may be changed by other runs.
ReplicaHandle SpawnReplica(caf::actor_system& system, EventLinkHandle link,
                           uint32_t tree, std::string cache_home,
                           std::shared_ptr<std::atomic<bool>> stop);

}  // namespace dist

#endif  // DIST_ACTORS_REPLICA_H_
