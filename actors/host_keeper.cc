#include "actors/host_keeper.h"

#include <signal.h>

#include <string>
#include <utility>

#include "actors/actor_class.h"
#include "transports/sweep.h"

namespace dist {
namespace {

// A node that said goodbye has this long to end.
constexpr absl::Duration kPatience = absl::Seconds(3);
constexpr absl::Duration kCleanUp = absl::Seconds(5);

class HostKeeperActor {
 public:
  using Handle = HostKeeperHandle;
  static inline const char* name = "dist.host_keeper";

  HostKeeperActor(Handle::pointer self, KeeperSinkHandle sink,
                  std::vector<HostAddress> addresses, ConnectFunction connect,
                  std::vector<pid_t> spared)
      : self_(self),
        sink_(std::move(sink)),
        addresses_(std::move(addresses)),
        connect_(std::move(connect)),
        spared_(std::move(spared)),
        children_(addresses_.size(), -1) {}

  Handle::behavior_type make_behavior() {
    return {
        [this](const MakeConnection& e) { Connect(e); },
        [this](const BuryHost& e) {
          Bury(&children_[e.host.value()], e.text.empty());
          self_->send(sink_, HostGone{e.host, e.connection, e.text});
        },
        [this](Leave) { OnLeave(); },
    };
  }

 private:
  void Connect(const MakeConnection& e) {
    absl::StatusOr<Connection> made = connect_(addresses_[e.host.value()]);
    if (!made.ok()) {
      self_->send(sink_, HostGone{e.host, e.connection,
                                  std::string(made.status().message())});
      return;
    }
    children_[e.host.value()] = made->child;
    self_->send(sink_, HostConnected{e.host, e.connection, made->fd});
  }

  void Bury(pid_t* child, bool leaves_by_itself) {
    if (*child <= 0) return;
    if (!leaves_by_itself || !WaitForChild(*child, kPatience)) {
      kill(*child, SIGKILL);
      WaitForChild(*child, kCleanUp);
    }
    *child = -1;
    std::vector<pid_t> spared = spared_;
    for (const pid_t other : children_) {
      if (other > 0) spared.push_back(other);
    }
    // What it left behind is ours now.
    KillDescendants(kCleanUp, spared);
  }

  void OnLeave() {
    for (pid_t& child : children_) Bury(&child, /*leaves_by_itself=*/false);
    self_->quit();
  }

  const Handle::pointer self_;
  const KeeperSinkHandle sink_;
  const std::vector<HostAddress> addresses_;
  const ConnectFunction connect_;
  const std::vector<pid_t> spared_;
  std::vector<pid_t> children_;  // By HostId; -1: none.
};

}  // namespace

HostKeeperHandle SpawnHostKeeper(caf::actor_system& system,
                                 KeeperSinkHandle sink,
                                 std::vector<HostAddress> addresses,
                                 ConnectFunction connect,
                                 std::vector<pid_t> spared) {
  return SpawnActor<HostKeeperActor, caf::detached>(
      system, std::move(sink), std::move(addresses), std::move(connect),
      std::move(spared));
}

}  // namespace dist
