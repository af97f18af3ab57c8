#include "actors/doctor.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <future>
#include <utility>

#include "absl/time/clock.h"
#include "actors/actor_class.h"
#include "actors/host_keeper.h"
#include "actors/link.h"
#include "actors/protocol/channels.h"
#include "actors/system.h"
#include "core/base/overload.h"
#include "transports/sweep.h"

namespace dist {
namespace {

// A host that has a node must have said everything by then; importing pytest
// takes its time on a slow disk.
constexpr std::chrono::seconds kExamination{60};
// How long a node may take to close.
constexpr std::chrono::seconds kLeave{10};
// The shortest of several round trips tells the time best.
constexpr int kProbes = 3;

class DoctorActor {
 public:
  using Handle = DoctorHandle;
  static inline const char* name = "dist.doctor";

  struct Means {
    std::function<HostKeeperHandle(KeeperSinkHandle sink)> make_keeper;
    std::function<CommandLinkHandle(LinkSocket socket, HostId host,
                                    HostSinkHandle sink)>
        make_link;
    std::function<void(DoctorFindings findings)> done;
  };

  DoctorActor(Handle::pointer self, std::shared_ptr<const Doctor::Setup> setup,
              Means means)
      : self_(self),
        setup_(std::move(setup)),
        means_(std::move(means)),
        keeper_(means_.make_keeper(Handle(self))),
        hosts_(setup_->addresses.size()),
        answered_(setup_->workers.size(), false) {
    findings_.hosts.resize(hosts_.size());
    findings_.workers.resize(setup_->workers.size());
  }

  Handle::behavior_type make_behavior() {
    for (uint32_t i = 0; i < hosts_.size(); ++i) {
      self_->send(keeper_, MakeConnection{HostId(i), kConnection});
    }
    return {
        [this](const HostSpoke& e) { OnHostSpoke(e); },
        [this](const LinkEnded& e) { OnLinkEnded(e); },
        [this](const HostConnected& e) { OnHostConnected(e); },
        [this](const HostGone& e) { OnHostGone(e); },
        [this](const HostNoted& e) { findings_.notes.push_back(e.line); },
        [this](const StopRequested&) { OnStop(); },
    };
  }

 private:
  static constexpr uint32_t kConnection = 1;  // Each host has only one.

  struct Host {
    enum class State { kConnecting, kUp, kClosing, kBuried, kGone };
    State state = State::kConnecting;
    CommandLinkHandle link;  // When up or closing.
    int probes = 0;          // Answered ones.
    absl::Time probed;       // When the last one was sent.
  };

  void Tell(const Host& host, NodeCommand command) {
    self_->send(host.link, CommandMessage{std::move(command), 0});
  }

  void OnHostConnected(const HostConnected& e) {
    Host& host = hosts_[e.host.value()];
    host.state = Host::State::kUp;
    host.link = means_.make_link({e.fd, e.secured}, e.host, Handle(self_));
    self_->delayed_send(
        self_, kExamination,
        LinkEnded{e.host, kConnection, "it does not answer within 60 s"});
  }

  void OnHostSpoke(const HostSpoke& e) {
    Host& host = hosts_[e.host.value()];
    if (!host.link) return;
    self_->send(host.link, Consumed{e.cost, ChannelOf(e.event)});
    if (host.state != Host::State::kUp) return;
    HostFindings& found = findings_.hosts[e.host.value()];
    std::visit(Overload{
                   [&](const NodeReady& ready) {
                     found.ready = ready;
                     found.connected = absl::Now() - started_;
                     Probe(&host);
                   },
                   [&](const HostProbed& probed) {
                     Note(probed, &host, &found);
                     if (host.probes < kProbes) {
                       Probe(&host);
                     } else {
                       found.reached = true;
                       StartWorkers(e.host);
                     }
                   },
                   [&](const WorkerConfigured& configured) {
                     if (WorkerFindings* worker = Answer(e.host, configured)) {
                       worker->configured = configured;
                     }
                   },
                   [&](const WorkerRefused& refused) {
                     if (WorkerFindings* worker = Answer(e.host, refused)) {
                       worker->error = refused.text;
                     }
                   },
                   [&](const WorkerDied& died) {
                     if (WorkerFindings* worker = Answer(e.host, died)) {
                       worker->error = "its Python ended: " + died.how;
                     }
                   },
                   [&](const WorkerFinished& finished) {
                     if (WorkerFindings* worker = Answer(e.host, finished)) {
                       worker->error = "its Python ended before pytest ran";
                     }
                   },
                   [](const auto&) {},
               },
               e.event);
    CloseIfDone(e.host);
  }

  // ---- The clock ----------------------------------------------------------

  void Probe(Host* host) {
    host->probed = absl::Now();
    Tell(*host, ProbeHost{});
  }

  void Note(const HostProbed& probed, Host* host, HostFindings* found) {
    const absl::Duration trip = absl::Now() - host->probed;
    ++host->probes;
    found->probed = probed;
    if (host->probes > 1 && trip >= found->trip) return;
    found->trip = trip;
    found->clock =
        absl::FromUnixMicros(probed.clock_micros) - (host->probed + trip / 2);
  }

  // ---- Interpreters -------------------------------------------------------

  // A worker's number is its place among those asked for.
  void StartWorkers(HostId host) {
    for (uint32_t i = 0; i < setup_->workers.size(); ++i) {
      const Doctor::Worker& worker = setup_->workers[i];
      if (worker.host != host) continue;
      Tell(hosts_[host.value()], StartWorker{WorkerId(i), worker.setup});
    }
  }

  // The worker that `e` is about if this is its first answer, else null.
  template <class Event>
  WorkerFindings* Answer(HostId host, const Event& e) {
    const size_t i = e.worker.value();
    if (i >= answered_.size() || setup_->workers[i].host != host ||
        answered_[i]) {
      return nullptr;
    }
    answered_[i] = true;
    return &findings_.workers[i];
  }

  void CloseIfDone(HostId id) {
    Host& host = hosts_[id.value()];
    if (!findings_.hosts[id.value()].reached) return;
    for (size_t i = 0; i < answered_.size(); ++i) {
      if (setup_->workers[i].host == id && !answered_[i]) return;
    }
    host.state = Host::State::kClosing;
    Tell(host, CloseNode{});
    // A node that does not leave is left.
    self_->delayed_send(self_, kLeave, LinkEnded{id, kConnection, ""});
  }

  // ---- Ends ---------------------------------------------------------------

  void OnLinkEnded(const LinkEnded& e) {
    Host& host = hosts_[e.host.value()];
    if (!host.link) return;
    // What it says after all has been answered is of no interest.
    const bool answered = host.state == Host::State::kClosing;
    host.state = Host::State::kBuried;
    self_->send_exit(host.link, caf::exit_reason::user_shutdown);
    host.link = nullptr;
    std::string text = answered ? "" : e.text;
    if (!answered && text.empty()) text = "the node ended too early";
    self_->send(keeper_, BuryHost{e.host, kConnection, std::move(text)});
  }

  void OnHostGone(const HostGone& e) {
    Host& host = hosts_[e.host.value()];
    host.state = Host::State::kGone;
    findings_.hosts[e.host.value()].error = e.text;
    for (const Host& other : hosts_) {
      if (other.state != Host::State::kGone) return;
    }
    End();
  }

  void OnStop() {
    findings_.interrupted = true;
    // Nodes clean up when their link ends.
    for (Host& host : hosts_) {
      if (host.link) {
        self_->send_exit(host.link, caf::exit_reason::user_shutdown);
      }
      host.link = nullptr;
    }
    End();
  }

  void End() {
    self_->send(keeper_, Leave{});
    self_->quit();
    means_.done(std::move(findings_));
  }

  const Handle::pointer self_;
  const std::shared_ptr<const Doctor::Setup> setup_;
  const Means means_;
  const HostKeeperHandle keeper_;
  const absl::Time started_ = absl::Now();
  std::vector<Host> hosts_;  // By HostId.
  std::vector<bool> answered_;
  DoctorFindings findings_;
};

}  // namespace

struct Doctor::Parts {
  ActorSystem actors;
  std::promise<DoctorFindings> done;
  DoctorHandle actor;
};

Doctor::Doctor(Setup setup) : parts_(std::make_unique<Parts>()) {
  // As a coordinator: what a node leaves comes to us.
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  caf::actor_system& system = parts_->actors.system();
  DoctorActor::Means means;
  means.make_keeper = [&system, addresses = setup.addresses,
                       spared = ChildProcesses()](KeeperSinkHandle sink) {
    return SpawnHostKeeper(system, std::move(sink), addresses, ConnectByTable,
                           spared);
  };
  means.make_link = [&system](LinkSocket socket, HostId host,
                              HostSinkHandle sink) {
    return SpawnHostLink(system, std::move(socket), host, 1, std::move(sink),
                         HostLinkTimers());
  };
  means.done = [this](DoctorFindings findings) {
    parts_->done.set_value(std::move(findings));
  };
  parts_->actor = SpawnActor<DoctorActor>(
      system, std::make_shared<const Setup>(std::move(setup)),
      std::move(means));
}

Doctor::~Doctor() = default;

DoctorFindings Doctor::Wait() { return parts_->done.get_future().get(); }

void Doctor::RequestStop(const std::string& why) {
  caf::anon_send(parts_->actor, StopRequested{why});
}

}  // namespace dist
