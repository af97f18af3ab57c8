#include "actors/host_keeper.h"

#include <unistd.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "actors/actor_class.h"
#include "transports/attempt.h"
#include "transports/kept_children.h"
#include "transports/sweep.h"

namespace dist {
namespace {

// A node that said goodbye has this long to end.
constexpr absl::Duration kPatience = absl::Seconds(3);
constexpr absl::Duration kCleanUp = absl::Seconds(5);
// Until a host's first answer, without what the user is asked meanwhile.
constexpr absl::Duration kConnect = absl::Seconds(30);

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
        connections_(addresses_.size()) {}

  Handle::behavior_type make_behavior() {
    return {
        [this](const MakeConnection& e) {
          waiting_.push_back(e);
          BeginAttempts();
        },
        [this](const AttemptEnded& e) { OnAttemptEnded(e); },
        [this](const BuryHost& e) { OnBury(e); },
        [this](Leave) { OnLeave(); },
    };
  }

 private:
  void BeginAttempts() {
    while (!waiting_.empty() && attempts_.size() < kMaxAttempts) {
      const MakeConnection e = waiting_.front();
      waiting_.pop_front();
      const HostAddress& address = addresses_[e.host.value()];
      auto attempt = std::make_unique<Attempt>(
          [this, &address](const Patience& patience) {
            return connect_(address, patience);
          },
          absl::Now() + kConnect,
          [sink = sink_](const std::string& line) {
            caf::anon_send(sink, HostNoted{line});
          },
          [self = Handle(self_), ended = AttemptEnded{e.host, e.connection}] {
            caf::anon_send(self, ended);
          });
      attempts_[{e.host, e.connection}] = std::move(attempt);
    }
  }

  void OnAttemptEnded(const AttemptEnded& e) {
    const auto found = attempts_.find({e.host, e.connection});
    if (found == attempts_.end()) return;
    absl::StatusOr<Connection> made = found->second->Take();
    attempts_.erase(found);
    BeginAttempts();
    if (!made.ok()) {
      self_->send(sink_, HostGone{e.host, e.connection,
                                  std::string(made.status().message())});
      return;
    }
    self_->send(sink_,
                HostConnected{e.host, e.connection, made->fd, made->secured});
    connections_[e.host.value()] = *std::move(made);
  }

  void OnBury(const BuryHost& e) {
    Connection& connection = connections_[e.host.value()];
    std::string text = e.text;
    const std::shared_ptr<StreamWitness> witness = connection.witness;
    Bury(&connection, e.text.empty());
    // Whoever stood in between may know better than the link.
    if (!text.empty() && witness != nullptr) {
      absl::StrAppend(&text, Testimony(*witness));
    }
    self_->send(sink_, HostGone{e.host, e.connection, std::move(text)});
  }

  void Bury(Connection* connection, bool leaves_by_itself) {
    const pid_t child = std::exchange(connection->child, -1);
    *connection = Connection();
    if (child <= 0) return;
    BuryChild(child, leaves_by_itself ? kPatience : absl::ZeroDuration());
    // What it left behind is ours now.
    KillDescendants(kCleanUp, spared_);
  }

  void OnLeave() {
    for (auto& [key, attempt] : attempts_) attempt->Cancel();
    for (auto& [key, attempt] : attempts_) {
      absl::StatusOr<Connection> made = attempt->Take();
      if (!made.ok()) continue;
      close(made->fd);
      Bury(&*made, /*leaves_by_itself=*/false);
    }
    for (Connection& connection : connections_) {
      Bury(&connection, /*leaves_by_itself=*/false);
    }
    self_->quit();
  }

  const Handle::pointer self_;
  const KeeperSinkHandle sink_;
  const std::vector<HostAddress> addresses_;
  const ConnectFunction connect_;
  const std::vector<pid_t> spared_;
  // By HostId. Their descriptors are the links'.
  std::vector<Connection> connections_;
  std::deque<MakeConnection> waiting_;
  std::map<std::pair<HostId, uint32_t>, std::unique_ptr<Attempt>> attempts_;
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
