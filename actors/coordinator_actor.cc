#include "actors/coordinator_actor.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "actors/actor_class.h"
#include "actors/protocol/channels.h"
#include "core/base/overload.h"
#include "core/model/local_paths.h"
#include "core/run/run_machine.h"

namespace dist {
namespace {

// How long a node may take to close.
constexpr absl::Duration kLeave = absl::Seconds(10);
// How long fetching from a host that is alive may take.
constexpr absl::Duration kFetch = absl::Minutes(10);

std::chrono::nanoseconds ToChrono(absl::Duration d) {
  return absl::ToChronoNanoseconds(d);
}

class CoordinatorActor {
 public:
  using Handle = CoordinatorHandle;
  static inline const char* name = "dist.coordinator";

  CoordinatorActor(Handle::pointer self,
                   std::shared_ptr<Coordinator::Setup> setup,
                   CoordinatorParts parts)
      : self_(self),
        setup_(std::move(setup)),
        parts_(std::move(parts)),
        keeper_(parts_.make_keeper(Handle(self))),
        started_(absl::Now()),
        started_steady_(std::chrono::steady_clock::now()),
        machine_(setup_->plan),
        links_(setup_->addresses.size()) {}

  Handle::behavior_type make_behavior() {
    Obey(machine_.Start(Now()));
    self_->delayed_send(self_, ToChrono(setup_->tick), Tick{});
    return {
        [this](const HostSpoke& e) { OnHostSpoke(e); },
        [this](const LinkEnded& e) { OnLinkEnded(e); },
        [this](const HostConnected& e) { OnHostConnected(e); },
        [this](const HostGone& e) { OnHostGone(e); },
        [this](const HostSynced& e) { OnHostSynced(e); },
        [this](const HostNoted& e) {
          Report(NoticeGiven{absl::StrCat("host ", e.line), ""});
        },
        [this](const HostFetched& e) { OnHostFetched(e); },
        [this](const WakeUp& e) {
          if (e.epoch == wake_epoch_) Obey(machine_.Wake(Now()));
        },
        [this](Tick) { OnTick(); },
        [this](const StopRequested& e) { OnStopRequested(e.why); },
    };
  }

 private:
  // A host's link. Its number tells what one link says from what a later one
  // does.
  struct Link {
    enum class State { kNone, kConnecting, kUp, kBuried };
    State state = State::kNone;
    uint32_t connection = 0;
    CommandLinkHandle handle;  // When up.
    SyncerHandle syncer;       // While its trees are made.
    absl::Time sync_began;
    FetcherHandle fetcher;           // While it closes and files come.
    bool worked = false;             // A worker was started there.
    NodeEvent ready;                 // Its NodeReady, held back until then.
    std::vector<std::string> trees;  // Their paths there.
    LocalPaths paths;                // From there to here.
    std::string why;                 // Why we closed it, if we did.
  };

  // Wall time at the start, monotonic from there: a clock that is set during
  // the run changes no duration and no deadline.
  absl::Time Now() const {
    return started_ +
           absl::FromChrono(std::chrono::steady_clock::now() - started_steady_);
  }

  void Obey(Commands commands) {
    for (RunCommand& command : commands) {
      std::visit(Overload{
                     [&](ConnectHost& c) { Connect(c.host); },
                     [&](TellNode& c) { TellHost(&c); },
                     [&](Announce& c) { Report(c.event); },
                     [&](WakeAt& c) { SetTimer(c.at); },
                     [&](EndRun& c) { End(c); },
                 },
                 command);
    }
  }

  // ---- Links ----------------------------------------------------------------

  // The link that `e` is about, if it is the host's current one in that state.
  template <class Event>
  Link* Find(const Event& e, typename Link::State state) {
    Link& link = links_[e.host.value()];
    const bool current = e.connection == link.connection && link.state == state;
    return current ? &link : nullptr;
  }

  void Connect(HostId host) {
    Link& link = links_[host.value()];
    link.state = Link::State::kConnecting;
    link.trees.clear();
    link.paths = LocalPaths();
    link.worked = false;
    self_->send(keeper_, MakeConnection{host, ++link.connection});
  }

  void OnHostConnected(const HostConnected& e) {
    Link* const link = Find(e, Link::State::kConnecting);
    if (link == nullptr) {  // Given up in the meantime.
      close(e.fd);
      self_->send(keeper_, BuryHost{e.host, e.connection, "given up"});
      return;
    }
    link->state = Link::State::kUp;
    link->handle = parts_.make_link({e.fd, e.secured}, e.host, e.connection,
                                    Handle(self_));
  }

  void TellHost(TellNode* c) {
    Link& link = links_[c->host.value()];
    const bool close = std::holds_alternative<CloseNode>(c->command);
    if (link.state == Link::State::kUp) {
      EnterTree(&link, &c->command);
      if (close) return Fetch(c->host, &link);
      self_->send(link.handle, CommandMessage{std::move(c->command), 0});
    } else if (link.state == Link::State::kConnecting && close) {
      // Its connection may take long and is dealt with when it comes.
      self_->send(self_, HostGone{c->host, link.connection, "given up"});
    }
  }

  // Lets the node of a link that is up close.
  void Dismiss(HostId host, const Link& link) {
    self_->send(link.handle, CommandMessage{CloseNode{}, 0});
    // A node that does not leave is left.
    self_->delayed_send(
        self_, ToChrono(kLeave),
        LinkEnded{host, link.connection, "the node does not end"});
  }

  void OnHostSpoke(const HostSpoke& e) {
    Link* const link = Find(e, Link::State::kUp);
    if (link == nullptr) return;
    // A fetcher gives the credit itself, when it has written what came.
    if (!std::holds_alternative<FetchSaid>(e.event)) {
      self_->send(link->handle, Consumed{e.cost, ChannelOf(e.event)});
    }
    if (std::holds_alternative<FetchSaid>(e.event) ||
        std::holds_alternative<FetchEnded>(e.event)) {
      if (link->fetcher) self_->send(link->fetcher, e);
    } else if (std::holds_alternative<SyncSaid>(e.event)) {
      if (link->syncer) self_->send(link->syncer, e);
    } else if (std::holds_alternative<NodeReady>(e.event) &&
               setup_->sync.Wants(e.host)) {
      if (!link->syncer && link->trees.empty()) Sync(e, link);
    } else if (!link->paths.empty() && LocalPaths::Concerns(e.event)) {
      NodeEvent event = e.event;
      link->paths.Apply(&event);
      Obey(machine_.OnNode(e.host, event, Now()));
    } else {
      Obey(machine_.OnNode(e.host, e.event, Now()));
    }
  }

  // ---- Syncing ------------------------------------------------------------
  //
  // To the run machine, a host is ready when its trees are there.

  void Sync(const HostSpoke& ready, Link* link) {
    link->ready = ready.event;
    link->sync_began = Now();
    link->syncer = parts_.make_syncer(ready.host, ready.connection,
                                      std::get<NodeReady>(ready.event).fresh,
                                      link->handle, Handle(self_));
  }

  void OnHostSynced(const HostSynced& e) {
    Link* const link = Find(e, Link::State::kUp);
    if (link == nullptr) return;
    link->syncer = nullptr;
    if (!e.error.empty()) {
      // In order: what is half written is to be removed.
      link->why = e.error;
      Dismiss(e.host, *link);
      return;
    }
    link->trees = e.paths;
    Report(TreesSynced{setup_->plan.hosts[e.host.value()].name,
                       link->sync_began, Now()});
    for (const std::string& tree : e.paths) {
      link->paths.Add(tree, setup_->sync.base);
    }
    if (setup_->sync.say_what) {
      for (const std::string& note : e.notes) {
        const std::string& host = setup_->plan.hosts[e.host.value()].name;
        Report(NoticeGiven{absl::StrCat("host ", host, ": ", note), ""});
      }
    }
    Obey(machine_.OnNode(e.host, link->ready, Now()));
  }

  // A worker in a tree is planned relative to it.
  void EnterTree(Link* link, NodeCommand* command) const {
    auto* const start = std::get_if<StartWorker>(command);
    if (start == nullptr) return;
    link->worked = true;
    if (start->setup.tree == 0) return;
    WorkerSetup& setup = start->setup;
    const std::string& tree = link->trees.at(setup.tree - 1);
    setup.source_paths = {{tree, setup_->sync.base}};
    setup.args = ArgsThere(std::move(setup.args), setup_->sync.base, tree);
    setup.chdir =
        setup.chdir.empty() ? tree : absl::StrCat(tree, "/", setup.chdir);
    setup.tree = 0;
  }

  // ---- Fetching -----------------------------------------------------------
  //
  // To the run machine, a host takes longer to close.

  void Fetch(HostId host, Link* link) {
    if (setup_->fetch.folder.empty() || !link->worked || stops_ > 1) {
      return Dismiss(host, *link);
    }
    if (link->fetcher) return;
    link->fetcher = parts_.make_fetcher(host, link->connection, link->trees,
                                        link->handle, Handle(self_));
    self_->delayed_send(
        self_, ToChrono(kFetch),
        HostFetched{host, link->connection, {}, {"fetching takes too long"}});
  }

  void OnHostFetched(const HostFetched& e) {
    Link* const link = Find(e, Link::State::kUp);
    if (link == nullptr || !link->fetcher) return;
    // Of no use when it has spoken itself, and harmless.
    self_->send_exit(link->fetcher, caf::exit_reason::user_shutdown);
    link->fetcher = nullptr;
    const std::string& host = setup_->plan.hosts[e.host.value()].name;
    for (const std::string& text : e.warnings) {
      Report(NoticeGiven{absl::StrCat("host ", host, ": ", text), ""});
    }
    if (setup_->sync.say_what) {
      for (const std::string& text : e.notes) {
        Report(NoticeGiven{absl::StrCat("host ", host, ": ", text), ""});
      }
    }
    Dismiss(e.host, *link);
  }

  void OnStopRequested(const std::string& why) {
    if (++stops_ > 1) {
      for (size_t i = 0; i < links_.size(); ++i) {
        if (!links_[i].fetcher) continue;
        OnHostFetched({HostId(static_cast<uint32_t>(i)),
                       links_[i].connection,
                       {},
                       {"fetching was interrupted"}});
      }
    }
    Obey(machine_.OnInterrupt(why, Now()));
  }

  void OnLinkEnded(const LinkEnded& e) {
    Link* const link = Find(e, Link::State::kUp);
    if (link == nullptr) return;
    link->state = Link::State::kBuried;
    // It has ended, unless it was us who lost patience.
    self_->send_exit(link->handle, caf::exit_reason::user_shutdown);
    if (link->syncer) {
      self_->send_exit(link->syncer, caf::exit_reason::user_shutdown);
      link->syncer = nullptr;
    }
    if (link->fetcher) {
      self_->send_exit(link->fetcher, caf::exit_reason::user_shutdown);
      link->fetcher = nullptr;
    }
    link->handle = nullptr;
    self_->send(keeper_, BuryHost{e.host, e.connection, e.text});
  }

  void OnHostGone(const HostGone& e) {
    Link* link = Find(e, Link::State::kBuried);
    if (link == nullptr) link = Find(e, Link::State::kConnecting);
    if (link == nullptr) return;
    link->state = Link::State::kNone;
    const std::string why = std::exchange(link->why, "");
    Obey(machine_.OnHostLost(e.host, why.empty() ? e.text : why, Now()));
  }

  // ---- The rest -------------------------------------------------------------

  void Report(const RunEvent& event) {
    for (Reporter* reporter : setup_->reporters) reporter->OnEvent(event);
  }

  void OnTick() {
    const absl::Time now = Now();
    for (Reporter* reporter : setup_->reporters) reporter->OnTick(now);
    self_->delayed_send(self_, ToChrono(setup_->tick), Tick{});
  }

  void SetTimer(absl::Time at) {
    const absl::Duration wait =
        std::max(at - Now(), absl::ZeroDuration()) + absl::Milliseconds(1);
    self_->delayed_send(self_, ToChrono(wait), WakeUp{++wake_epoch_});
  }

  void End(const EndRun& end) {
    // If all that came was moved on.
    rmdir(setup_->fetch.folder.c_str());
    self_->send(keeper_, Leave{});
    self_->quit();
    parts_.done(end);
  }

  const Handle::pointer self_;
  const std::shared_ptr<Coordinator::Setup> setup_;
  const CoordinatorParts parts_;
  const HostKeeperHandle keeper_;
  const absl::Time started_;
  const std::chrono::steady_clock::time_point started_steady_;
  RunMachine machine_;
  std::vector<Link> links_;  // By HostId.
  uint64_t wake_epoch_ = 0;
  int stops_ = 0;  // How often the user wanted it to stop.
};

}  // namespace

CoordinatorHandle SpawnCoordinator(caf::actor_system& system,
                                   std::shared_ptr<Coordinator::Setup> setup,
                                   CoordinatorParts parts) {
  return SpawnActor<CoordinatorActor>(system, std::move(setup),
                                      std::move(parts));
}

}  // namespace dist
