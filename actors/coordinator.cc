#include "actors/coordinator.h"

#include <sys/prctl.h>

#include <future>
#include <utility>

#include "actors/actor_class.h"
#include "actors/coordinator_actor.h"
#include "actors/fetcher.h"
#include "actors/host_keeper.h"
#include "actors/link.h"
#include "actors/syncer.h"
#include "actors/system.h"
#include "transports/sweep.h"

namespace dist {
struct Coordinator::Parts {
  ActorSystem actors;
  std::promise<EndRun> done;
  CoordinatorHandle actor;
};

Coordinator::Coordinator(Setup setup) : parts_(std::make_unique<Parts>()) {
  // A node that is killed leaves its processes to us. Children that we already
  // have (a shell that executed us had them) are not ours to kill.
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  caf::actor_system& system = parts_->actors.system();
  CoordinatorParts parts;
  parts.make_keeper = [&system, addresses = setup.addresses,
                       spared = ChildProcesses()](KeeperSinkHandle sink) {
    return SpawnHostKeeper(system, std::move(sink), addresses, ConnectByTable,
                           spared);
  };
  parts.make_link = [&system](LinkSocket socket, HostId host,
                              uint32_t connection, HostSinkHandle sink) {
    return SpawnHostLink(system, std::move(socket), host, connection,
                         std::move(sink), HostLinkTimers());
  };
  parts.make_syncer = [&system, plan = setup.sync](
                          HostId host, uint32_t connection, bool fresh,
                          CommandLinkHandle link, SyncSinkHandle sink) {
    return SpawnSyncer(system, plan, host, connection, fresh, std::move(link),
                       std::move(sink));
  };
  parts.make_fetcher = [&system, plan = setup.fetch](
                           HostId host, uint32_t connection,
                           const std::vector<std::string>& trees,
                           CommandLinkHandle link, FetchSinkHandle sink) {
    return SpawnFetcher(system, plan, host, connection, trees, std::move(link),
                        std::move(sink));
  };
  parts.done = [this](const EndRun& end) { parts_->done.set_value(end); };
  parts_->actor = SpawnCoordinator(
      system, std::make_shared<Setup>(std::move(setup)), std::move(parts));
}

Coordinator::~Coordinator() = default;

EndRun Coordinator::Wait() { return parts_->done.get_future().get(); }

void Coordinator::RequestStop(const std::string& why) {
  caf::anon_send(parts_->actor, StopRequested{why});
}

}  // namespace dist
