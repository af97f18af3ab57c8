#include "actors/node.h"

#include <unistd.h>

#include <future>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "actors/actor_class.h"
#include "actors/link.h"
#include "actors/system.h"
#include "actors/worker.h"
#include "core/base/overload.h"
#include "transports/host_facts.h"
#include "transports/process_pump.h"

namespace dist {
namespace {

constexpr absl::Duration kCleanUp = absl::Seconds(5);

class NodeActor {
 public:
  using Handle = NodeHandle;
  static inline const char* name = "dist.node";

  NodeActor(Handle::pointer self, int fd, ProcessPump* pump,
            std::shared_ptr<std::promise<void>> done)
      : self_(self), pump_(pump), done_(std::move(done)) {
    link_ = SpawnNodeLink(self->system(), fd, Handle(self));
  }

  Handle::behavior_type make_behavior() {
    Tell(NodeReady{kVersion, HostName(), PlatformName(),
                   static_cast<uint32_t>(UsableCpus()),
                   static_cast<uint32_t>(getpid())});
    return {
        [this](const CommandMessage& e) { OnCommand(e); },
        [this](const LinkEnded&) { OnLinkEnded(); },
        [this](const EventMessage& e) { OnEvent(e.event); },
    };
  }

 private:
  void Tell(NodeEvent event) {
    self_->send(link_, EventMessage{std::move(event)});
  }

  void OnCommand(const CommandMessage& e) {
    std::visit(Overload{
                   [&](const StartWorker& c) { Start(c); },
                   [&](const ListCollection& c) { List(c); },
                   [&](const CloseNode&) { Close(); },
                   [&](const auto& c) { Forward(c.worker, e); },
               },
               e.command);
    self_->send(link_, Consumed{e.cost, false});
  }

  void Start(const StartWorker& command) {
    workers_[command.worker] =
        SpawnWorker(self_->system(), Handle(self_), command, pump_);
  }

  void Forward(WorkerId worker, const CommandMessage& command) {
    // A worker that is gone has said so; the command crossed that.
    const auto found = workers_.find(worker);
    if (found != workers_.end()) self_->send(found->second, command);
  }

  void List(const ListCollection& command) {
    const auto found = collections_.find(command.hash);
    if (found != collections_.end()) Tell(found->second);
  }

  void OnEvent(const NodeEvent& event) {
    std::visit(
        Overload{
            // Kept here: identical lists travel as one hash.
            [&](const CollectionListed& e) { collections_[e.hash] = e; },
            [&](const WorkerFinished& e) { Part(e.worker, event); },
            [&](const WorkerRefused& e) { Part(e.worker, event); },
            [&](const WorkerDied& e) { Part(e.worker, event); },
            [&](const auto&) { Tell(event); },
        },
        event);
  }

  void Part(WorkerId worker, const NodeEvent& last_word) {
    workers_.erase(worker);
    Tell(last_word);
  }

  void Close() {
    pump_->KillAll(kCleanUp);
    self_->send(link_, CloseLink{});
  }

  void OnLinkEnded() {
    pump_->KillAll(kCleanUp);
    workers_.clear();
    done_->set_value();
    self_->quit();
  }

  const Handle::pointer self_;
  ProcessPump* const pump_;
  const std::shared_ptr<std::promise<void>> done_;
  NodeLinkHandle link_;
  absl::flat_hash_map<WorkerId, WorkerHandle> workers_;
  absl::flat_hash_map<std::string, CollectionListed> collections_;
};

}  // namespace

int RunNode(int fd) {
  ProcessPump pump;
  auto done = std::make_shared<std::promise<void>>();
  std::future<void> ended = done->get_future();
  ActorSystem actors;
  SpawnActor<NodeActor>(actors.system(), fd, &pump, done);
  ended.wait();
  return 0;
}

}  // namespace dist
