// The host keeper: all of a coordinator that blocks.
#ifndef DIST_ACTORS_HOST_KEEPER_H_
#define DIST_ACTORS_HOST_KEEPER_H_

#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "actors/protocol/handles.h"
#include "transports/transport.h"

namespace dist {

// As TransportEntry::connect.
using ConnectFunction = std::function<absl::StatusOr<Connection>(
    const HostAddress&, const Patience&)>;

// Spawns a keeper for hosts at `addresses` (by HostId). It connects to them,
// kMaxAttempts at a time, each on a thread of its own, and owns the local
// processes behind connections: a host is gone when its process is, with all
// that descends from it. Children in `spared` are not ours. Told to Leave it
// cancels what it waits for, kills what is left, and ends.
inline constexpr size_t kMaxAttempts = 16;
HostKeeperHandle SpawnHostKeeper(caf::actor_system& system,
                                 KeeperSinkHandle sink,
                                 std::vector<HostAddress> addresses,
                                 ConnectFunction connect,
                                 std::vector<pid_t> spared);

}  // namespace dist

#endif  // DIST_ACTORS_HOST_KEEPER_H_
