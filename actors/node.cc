#include "actors/node.h"

#include <unistd.h>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "actors/actor_class.h"
#include "actors/gatherer.h"
#include "actors/link.h"
#include "actors/node_actor.h"
#include "actors/protocol/channels.h"
#include "actors/replica.h"
#include "actors/system.h"
#include "actors/worker.h"
#include "core/base/overload.h"
#include "core/base/text.h"
#include "core/model/version.h"
#include "sync/artifacts_folder.h"
#include "sync/cache_home.h"
#include "transports/host_facts.h"
#include "transports/process_pump.h"

namespace dist {
namespace {

constexpr absl::Duration kCleanUp = absl::Seconds(5);

// A list up to that size is sent without being asked for: to ask would cost a
// round trip, which is more than the bytes do.
constexpr size_t kShortList = 16 << 10;

struct Collected {
  CollectionListed list;
  bool sent = false;  // Without being asked for.
};

bool IsShort(const CollectionListed& list) {
  size_t size = 0;
  for (const std::string& id : list.ids) size += id.size();
  for (const auto& group : list.groups) size += group.second.size();
  return size <= kShortList;
}

HostProbed Probe(const CacheHome& cache_home) {
  HostProbed probed;
  probed.system = SystemName();
  probed.cpus = static_cast<uint32_t>(InstalledCpus());
  probed.cache = cache_home.path;
  probed.passed_over = cache_home.passed_over;
  probed.free_bytes = cache_home.free_bytes;
  probed.cache_error =
      probed.cache.empty()
          ? "neither HOME nor XDG_CACHE_HOME is set"
          : std::string(absl::StripPrefix(cache_home.unusable,
                                          Printable(cache_home.path) + ": "));
  // Last, so that nothing above counts as a difference.
  probed.clock_micros = absl::ToUnixMicros(absl::Now());
  return probed;
}

class NodeActor {
 public:
  using Handle = NodeHandle;
  static inline const char* name = "dist.node";

  NodeActor(Handle::pointer self, MakeNodeLink make_link, Processes* processes,
            std::function<void()> done)
      : self_(self),
        processes_(processes),
        done_(std::move(done)),
        link_(make_link(Handle(self))) {}

  Handle::behavior_type make_behavior() {
    Tell(NodeReady{kVersion, HostName(), PlatformName(),
                   static_cast<uint32_t>(UsableCpus()),
                   static_cast<uint32_t>(getpid()), KernelId(),
                   static_cast<uint32_t>(InstalledCpus()),
                   IsFresh(LookForCacheHome().path)});
    return {
        [this](const CommandMessage& e) { OnCommand(e); },
        [this](const LinkEnded&) { OnLinkEnded(); },
        [this](const EventMessage& e) { OnEvent(e.event); },
        [this](const ProcessesKilled&) { OnKilled(); },
    };
  }

 private:
  // Made when there is something to put there.
  const std::string& cache_home() {
    if (!cache_home_) cache_home_ = FindCacheHome().path;
    return *cache_home_;
  }

  void Tell(NodeEvent event) {
    self_->send(link_, EventMessage{std::move(event)});
  }

  void OnCommand(const CommandMessage& e) {
    std::visit(Overload{
                   [&](const StartWorker& c) { Start(c); },
                   [&](const ListCollection& c) { List(c); },
                   [&](const CloseNode&) { KillAll(); },
                   [&](const SyncTold& c) { Sync(c.tree, e); },
                   [&](const ProbeHost&) { Tell(Probe(LookForCacheHome())); },
                   [&](const FetchFiles& c) { Fetch(c.number, e); },
                   [&](const FetchAnswered& c) { Fetch(c.number, e); },
                   [&](const auto& c) { Forward(c.worker, e); },
               },
               e.command);
    // A replica gives the credit itself, when it has written what came.
    const Channel channel = ChannelOf(e.command);
    if (channel == Channel::kControl) {
      self_->send(link_, Consumed{e.cost, channel});
    }
  }

  void Sync(uint32_t tree, const CommandMessage& command) {
    if (closing_) return;
    const auto [found, added] = replicas_.try_emplace(tree);
    if (added) {
      found->second = SpawnReplica(self_->system(), link_, tree, cache_home(),
                                   stop_replicas_);
    }
    self_->send(found->second, command);
  }

  void Fetch(uint32_t number, const CommandMessage& command) {
    if (closing_) return;
    const auto [found, added] = gatherers_.try_emplace(number);
    if (added) {
      found->second =
          SpawnGatherer(self_->system(), link_,
                        artifacts_ ? artifacts_->path() : "", started_);
    }
    self_->send(found->second, command);
  }

  void Start(const StartWorker& command) {
    if (closing_) return;
    StartWorker start = command;
    AddArtifactsFolder(&start.setup);
    workers_[command.worker] =
        SpawnWorker(self_->system(), Handle(self_), start, processes_);
  }

  // Tests go without, where none can be made.
  void AddArtifactsFolder(WorkerSetup* setup) {
    if (!std::exchange(tried_artifacts_, true)) {
      auto made = ArtifactsFolder::Make(cache_home());
      if (made.ok()) artifacts_.emplace(*std::move(made));
    }
    if (!artifacts_) return;
    setup->env.emplace_back("DIST_ARTIFACTS_DIR",
                            absl::StrCat(artifacts_->path(), "/", setup->name));
  }

  void Forward(WorkerId worker, const CommandMessage& command) {
    // A worker that is gone has said so; the command crossed that.
    const auto found = workers_.find(worker);
    if (found != workers_.end()) self_->send(found->second, command);
  }

  void List(const ListCollection& command) {
    const auto found = collections_.find(command.hash);
    if (found != collections_.end()) Tell(found->second.list);
  }

  void Report(CollectionReported reported) {
    const auto found = collections_.find(reported.hash);
    reported.list_follows = found != collections_.end() &&
                            !found->second.sent && IsShort(found->second.list);
    Tell(reported);
    if (!reported.list_follows) return;
    found->second.sent = true;
    Tell(found->second.list);
  }

  void OnEvent(const NodeEvent& event) {
    std::visit(Overload{
                   // Kept here: identical lists travel as one hash.
                   [&](const CollectionListed& e) {
                     collections_.insert_or_assign(e.hash, Collected{e});
                   },
                   [&](const CollectionReported& e) { Report(e); },
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

  // Asked to by the coordinator, or because it is gone.
  void KillAll() {
    if (std::exchange(closing_, true)) return;
    *stop_replicas_ = true;
    for (const auto& [tree, replica] : replicas_) {
      self_->send_exit(replica, caf::exit_reason::user_shutdown);
    }
    for (const auto& [number, gatherer] : gatherers_) {
      self_->send_exit(gatherer, caf::exit_reason::user_shutdown);
    }
    processes_->KillAll(kCleanUp, [self = Handle(self_)](int left) {
      caf::anon_send(self, ProcessesKilled{left});
    });
  }

  void OnKilled() {
    killed_ = true;
    if (link_ended_) {
      End();
    } else {
      self_->send(link_, CloseLink{});
    }
  }

  void OnLinkEnded() {
    link_ended_ = true;
    if (killed_) {
      End();
    } else {
      KillAll();
    }
  }

  void End() {
    artifacts_.reset();
    done_();
    self_->quit();
  }

  const Handle::pointer self_;
  Processes* const processes_;
  const std::function<void()> done_;
  const EventLinkHandle link_;
  const absl::Time started_ = absl::Now();
  absl::flat_hash_map<WorkerId, WorkerHandle> workers_;
  absl::flat_hash_map<std::string, Collected> collections_;  // By hash.
  absl::flat_hash_map<uint32_t, ReplicaHandle> replicas_;    // By tree.
  absl::flat_hash_map<uint32_t, GathererHandle> gatherers_;  // By number.
  std::optional<std::string> cache_home_;
  bool tried_artifacts_ = false;
  std::optional<ArtifactsFolder> artifacts_;
  const std::shared_ptr<std::atomic<bool>> stop_replicas_ =
      std::make_shared<std::atomic<bool>>(false);
  bool closing_ = false;  // KillAll was called.
  bool killed_ = false;   // It is done.
  bool link_ended_ = false;
};

}  // namespace

NodeHandle SpawnNode(caf::actor_system& system, MakeNodeLink make_link,
                     Processes* processes, std::function<void()> done) {
  return SpawnActor<NodeActor>(system, std::move(make_link), processes,
                               std::move(done));
}

int RunNode(LinkSocket link) {
  return RunNode(std::move(link), NodeLinkTimers());
}

int RunNode(LinkSocket link, const LinkTimers& timers) {
  ProcessPump pump;
  auto done = std::make_shared<std::promise<void>>();
  std::future<void> ended = done->get_future();
  ActorSystem actors;
  SpawnNode(
      actors.system(),
      [&actors, link = std::move(link), timers](NodeSinkHandle sink) {
        return SpawnNodeLink(actors.system(), link, std::move(sink), timers);
      },
      &pump, [done] { done->set_value(); });
  ended.wait();
  return 0;
}

}  // namespace dist
