#include "actors/coordinator.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <chrono>
#include <future>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "actors/actor_class.h"
#include "actors/link.h"
#include "actors/system.h"
#include "core/base/overload.h"
#include "core/run/run_machine.h"
#include "transports/process_pump.h"

namespace dist {
namespace {

constexpr absl::Duration kCleanUp = absl::Seconds(5);

std::chrono::nanoseconds ToChrono(absl::Duration d) {
  return absl::ToChronoNanoseconds(d);
}

class CoordinatorActor {
 public:
  using Handle = CoordinatorHandle;
  static inline const char* name = "dist.coordinator";

  CoordinatorActor(Handle::pointer self,
                   std::shared_ptr<Coordinator::Setup> setup,
                   std::shared_ptr<std::promise<EndRun>> done)
      : self_(self),
        setup_(std::move(setup)),
        done_(std::move(done)),
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
        [this](const WakeUp& e) {
          if (e.epoch == wake_epoch_) Obey(machine_.Wake(Now()));
        },
        [this](Tick) { OnTick(); },
        [this](const StopRequested& e) {
          Obey(machine_.OnInterrupt(e.why, Now()));
        },
    };
  }

 private:
  struct Link {
    HostLinkHandle handle;
    uint32_t connection = 0;
    pid_t child = -1;
  };

  // Wall time at the start, monotonic from there: a clock that is set during
  // the run changes no duration and no deadline.
  absl::Time Now() const {
    return started_ + absl::FromChrono(std::chrono::steady_clock::now() -
                                       started_steady_);
  }

  void Obey(Commands commands) {
    // By index: obeying may fail at once and so add commands.
    for (RunCommand& command : commands) {
      std::visit(Overload{
                     [&](ConnectHost& c) { Connect(c.host); },
                     [&](TellNode& c) { TellHost(c); },
                     [&](Announce& c) { Report(c.event); },
                     [&](WakeAt& c) { SetTimer(c.at); },
                     [&](EndRun& c) { End(c); },
                 },
                 command);
    }
  }

  void Connect(HostId host) {
    Link& link = links_[host.value()];
    ++link.connection;
    const HostAddress& address = setup_->addresses[host.value()];
    const TransportEntry* transport = FindTransport(address.transport);
    absl::StatusOr<Connection> made = transport->connect(address);
    if (!made.ok()) {
      self_->send(self_, LinkEnded{host, link.connection,
                                   std::string(made.status().message())});
      return;
    }
    link.child = made->child;
    link.handle = SpawnHostLink(self_->system(), made->fd, host,
                                link.connection, Handle(self_));
  }

  void TellHost(TellNode& c) {
    const Link& link = links_[c.host.value()];
    if (link.handle) self_->send(link.handle, CommandMessage{std::move(c.command), 0});
  }

  void OnHostSpoke(const HostSpoke& e) {
    const Link& link = links_[e.host.value()];
    if (e.connection != link.connection || !link.handle) return;
    const bool output = std::holds_alternative<OutputWritten>(e.event);
    self_->send(link.handle, Consumed{e.cost, output});
    Obey(machine_.OnNode(e.host, e.event, Now()));
  }

  void OnLinkEnded(const LinkEnded& e) {
    Link& link = links_[e.host.value()];
    if (e.connection != link.connection) return;
    link.handle = nullptr;
    if (link.child > 0) {
      // In order: it is about to leave by itself. Else make sure of it.
      if (!e.text.empty()) kill(link.child, SIGKILL);
      waitpid(link.child, nullptr, 0);
      link.child = -1;
      KillDescendants(kCleanUp, LiveChildren());
    }
    Obey(machine_.OnHostLost(e.host, e.text, Now()));
  }

  std::vector<pid_t> LiveChildren() const {
    std::vector<pid_t> children;
    for (const Link& link : links_) {
      if (link.child > 0) children.push_back(link.child);
    }
    return children;
  }

  void Report(const RunEvent& event) {
    for (Reporter* reporter : setup_->reporters) reporter->OnEvent(event);
  }

  void OnTick() {
    const absl::Time now = Now();
    for (Reporter* reporter : setup_->reporters) reporter->OnTick(now);
    if (!machine_.ended()) {
      self_->delayed_send(self_, ToChrono(setup_->tick), Tick{});
    }
  }

  void SetTimer(absl::Time at) {
    const absl::Duration wait =
        std::max(at - Now(), absl::ZeroDuration()) + absl::Milliseconds(1);
    self_->delayed_send(self_, ToChrono(wait), WakeUp{++wake_epoch_});
  }

  void End(const EndRun& end) {
    done_->set_value(end);
    self_->quit();
  }

  const Handle::pointer self_;
  const std::shared_ptr<Coordinator::Setup> setup_;
  const std::shared_ptr<std::promise<EndRun>> done_;
  const absl::Time started_;
  const std::chrono::steady_clock::time_point started_steady_;
  RunMachine machine_;
  std::vector<Link> links_;  // By HostId.
  uint64_t wake_epoch_ = 0;
};

}  // namespace

struct Coordinator::Parts {
  ActorSystem actors;
  std::shared_ptr<std::promise<EndRun>> done =
      std::make_shared<std::promise<EndRun>>();
  CoordinatorHandle actor;
};

Coordinator::Coordinator(Setup setup) : parts_(std::make_unique<Parts>()) {
  // A node that is killed leaves its processes to us.
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  parts_->actor = SpawnActor<CoordinatorActor>(
      parts_->actors.system(), std::make_shared<Setup>(std::move(setup)),
      parts_->done);
}

Coordinator::~Coordinator() = default;

EndRun Coordinator::Wait() { return parts_->done->get_future().get(); }

void Coordinator::RequestStop(const std::string& why) {
  caf::anon_send(parts_->actor, StopRequested{why});
}

}  // namespace dist
