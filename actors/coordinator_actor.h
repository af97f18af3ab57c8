// The coordinator's actor, apart from the process around it.
#ifndef DIST_ACTORS_COORDINATOR_ACTOR_H_
#define DIST_ACTORS_COORDINATOR_ACTOR_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/coordinator.h"
#include "actors/protocol/handles.h"

namespace dist {

// What the actor makes to reach hosts.
struct CoordinatorParts {
  std::function<HostKeeperHandle(KeeperSinkHandle sink)> make_keeper;
  std::function<CommandLinkHandle(LinkSocket socket, HostId host,
                                  uint32_t connection, HostSinkHandle sink)>
      make_link;
  // May be empty if no host has trees.
  std::function<SyncerHandle(HostId host, uint32_t connection, bool fresh,
                             CommandLinkHandle link, SyncSinkHandle sink)>
      make_syncer;
  // May be empty if nothing is fetched. `trees`: of the host, there.
  std::function<FetcherHandle(HostId host, uint32_t connection,
                              const std::vector<std::string>& trees,
                              CommandLinkHandle link, FetchSinkHandle sink)>
      make_fetcher;
  // Called once, by the actor, as its last act.
  std::function<void(const EndRun& end)> done;
};

CoordinatorHandle SpawnCoordinator(caf::actor_system& system,
                                   std::shared_ptr<Coordinator::Setup> setup,
                                   CoordinatorParts parts);

}  // namespace dist

#endif  // DIST_ACTORS_COORDINATOR_ACTOR_H_
