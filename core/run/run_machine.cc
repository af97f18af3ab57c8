// The run machine's entry points, hosts, and the end of the run. Workers are in
// run_workers.cc, collections in run_collect.cc, tests in run_lease.cc,
// run_tests.cc, run_steal.cc.
#include "core/run/run_machine.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/run/mutants.h"

namespace dist {
namespace {

// Of a host that was up. One that never was is not tried again: a wrong key
// tried often locks accounts, and transports know what is worth a second try.
// One test may take it down so often, before it is known and while it is tried.
constexpr int kReconnects = 4;

enum Hardness { kAsked, kInterrupted, kKilled, kAbandoned };

constexpr size_t kCancelledShown = 10;

// What most events lead to: moving commands to a larger place costs more.
constexpr size_t kUsualCommands = 4;

// The tests that run now and who runs them, for people; "" if none does.
std::string DescribeRunning(const std::vector<Slot>& slots,
                            const std::deque<Collection>& collections,
                            const TestTable& tests) {
  std::vector<std::string> running;
  size_t more = 0;
  for (const Slot& slot : slots) {
    for (const LeasedTest& leased : slot.queue) {
      if (!leased.started || !slot.alive()) continue;
      if (running.size() == kCancelledShown) {
        ++more;
        continue;
      }
      const Collection& collection = collections[slot.collection];
      running.push_back(absl::StrCat(
          tests.id(collection.tests[leased.position]), " (", slot.name(), ")"));
    }
  }
  if (more > 0) running.push_back(absl::StrCat(more, " more"));
  return absl::StrJoin(running, ", ");
}

}  // namespace

RunMachine::RunMachine(RunPlan plan)
    : plan_(std::move(plan)),
      entry_(*FindPolicy(plan_.mode)),
      policy_(entry_.make(PolicyOptions{plan_.max_chunk})),
      fleet_(plan_),
      ledger_(plan_.platforms.size()),
      references_(plan_.platforms.size()),
      deselected_(plan_.platforms.size()) {}

Commands RunMachine::Settle() {
  if (std::exchange(replan_, false) && phase_ == Phase::kRunning) {
    // First feed, then start: a worker is for what is left.
    const bool pending = ledger_.any_pending();
    if (pending) FeedIdle();
    StartWorkers();
    Steal();
    if (pending) GiveUpUnreachable();
  }
  CheckEnd();
  return std::exchange(out_, {});
}

void RunMachine::Tell(const Slot& slot, NodeCommand command) {
  out_.push_back(TellNode{slot.plan->host, std::move(command)});
}

Slot* RunMachine::Find(HostId host, WorkerId worker) {
  Slot* slot = fleet_.Find(worker);
  return slot != nullptr && slot->plan->host == host ? slot : nullptr;
}

Commands RunMachine::Start(absl::Time now) {
  now_ = now;
  RunStarted started{now, plan_.mode, plan_.rootdir, plan_.inifile, {}, {}};
  for (const PlannedWorker& worker : plan_.workers) {
    started.workers.push_back(worker.setup.name);
  }
  started.platforms = plan_.platforms;
  Say(std::move(started));
  for (uint32_t i = 0; i < plan_.hosts.size(); ++i) {
    out_.push_back(ConnectHost{HostId(i)});
  }
  return Settle();
}

Commands RunMachine::OnNode(HostId host, const NodeEvent& event,
                            absl::Time now) {
  now_ = now;
  if (phase_ == Phase::kEnded) return {};
  out_.reserve(kUsualCommands);
  std::visit([&](const auto& e) { On(host, e); }, event);
  return Settle();
}

Commands RunMachine::OnInterrupt(const std::string& why, absl::Time now) {
  now_ = now;
  if (phase_ == Phase::kEnded) return {};
  const bool again = stop_ == Stop::kInterrupt;
  if (!again) BeginStop(Stop::kInterrupt, why);
  // The second one kills, and none is softer than what is under way.
  stop_hardness_ = std::max<int>(stop_hardness_, again ? kInterrupted : kAsked);
  if (stop_hardness_ < kKilled) HardenStop();
  return Settle();
}

Commands RunMachine::Wake(absl::Time now) {
  now_ = now;
  if (Mutated(Mutant::kNeverHarden)) return {};
  if (phase_ == Phase::kStopping && now >= stop_deadline_) HardenStop();
  replan_ = replan_ || phase_ == Phase::kRunning;
  return Settle();
}

// ---- Hosts ----------------------------------------------------------------

void RunMachine::On(HostId host, const NodeReady& e) {
  HostState& state = fleet_.host(host);
  if (state.link != HostState::Link::kConnecting) return;
  state.link = HostState::Link::kUp;
  state.was_up = true;
  fleet_.SetMachine(host, e);
  replan_ = true;
  if (phase_ == Phase::kClosing) CloseHost(host);
}

Commands RunMachine::OnHostLost(HostId host, const std::string& text,
                                absl::Time now) {
  now_ = now;
  HostState& state = fleet_.host(host);
  if (phase_ == Phase::kEnded || state.link == HostState::Link::kGone) {
    return {};
  }
  asked_hashes_.clear();  // Asking another node twice does no harm.
  // All of the host's slots first: what follows from a lost test must not
  // reach the lost host.
  std::vector<Slot*> lost;
  for (Slot& slot : fleet_.slots()) {
    if (slot.plan->host != host) continue;
    if (slot.alive()) lost.push_back(&slot);
    fleet_.SetState(&slot, Slot::State::kGone);
  }
  const bool expected = phase_ == Phase::kClosing;
  state.link = HostState::Link::kGone;
  for (Slot* slot : lost) LoseRunningTest(slot);
  const bool again = phase_ == Phase::kRunning && state.was_up &&
                     state.reconnects < kReconnects;
  if (!expected) {
    Say(WorkerLost{WorkerId(), "", plan_.hosts[host.value()].name, text,
                   again});
  }
  for (Slot* slot : lost) {
    GiveBack(slot);
    fleet_.Retire(slot, Slot::State::kGone);
  }
  if (again) {
    ++state.reconnects;
    state.link = HostState::Link::kConnecting;
    for (Slot& slot : fleet_.slots()) {
      if (slot.plan->host == host && slot.revivable) {
        fleet_.SetState(&slot, Slot::State::kWaiting);
      }
    }
    out_.push_back(ConnectHost{host});
  } else {
    MissHost(host);
  }
  replan_ = true;
  return Settle();
}

void RunMachine::CloseHost(HostId host) {
  HostState& state = fleet_.host(host);
  if (state.link == HostState::Link::kUp) {
    state.link = HostState::Link::kClosing;
  } else if (state.link != HostState::Link::kConnecting) {
    return;
  }
  // A host that is being connected stays so: should the shell's giving up
  // come too late, its NodeReady brings us here again.
  out_.push_back(TellNode{host, CloseNode{}});
}

void RunMachine::CloseHosts() {
  phase_ = Phase::kClosing;
  for (uint32_t i = 0; i < plan_.hosts.size(); ++i) CloseHost(HostId(i));
}

// ---- Stop rules -----------------------------------------------------------

void RunMachine::CheckFailures() {
  if (plan_.maxfail == 0 || failures_ < plan_.maxfail) return;
  if (stop_ != Stop::kNone) return;
  BeginStop(Stop::kFailures,
            absl::StrCat("stopping after ", failures_, " failures"));
}

void RunMachine::MissHost(HostId host) {
  if (!plan_.require_all_hosts || phase_ != Phase::kRunning) return;
  BeginStop(Stop::kHostMissing,
            absl::StrCat("stopping: --require-hosts=all, and ",
                         plan_.hosts[host.value()].name, " cannot be used"));
}

void RunMachine::BeginStop(Stop stop, const std::string& why) {
  const bool first = stop_ == Stop::kNone;
  stop_ = stop;
  stop_why_ = why;
  if (phase_ != Phase::kClosing) phase_ = Phase::kStopping;
  if (!first) return;
  Say(RunStopping{why});
  for (const Slot& slot : fleet_.slots()) {
    if (!slot.alive()) continue;
    ReturnTests back{slot.worker, {}};
    for (const LeasedTest& test : slot.queue) {
      if (test.told && !test.started) back.positions.push_back(test.position);
    }
    if (!back.positions.empty()) Tell(slot, std::move(back));
  }
  FinishWorkers();
  stop_deadline_ = now_ + plan_.grace;
  out_.push_back(WakeAt{stop_deadline_});
}

void RunMachine::HardenStop() {
  ++stop_hardness_;
  if (stop_hardness_ == kInterrupted) {
    const std::string running =
        DescribeRunning(fleet_.slots(), collections_, tests_);
    if (!running.empty()) {
      Say(NoticeGiven{absl::StrCat("cancelled while running: ", running), ""});
    }
  }
  for (Slot& slot : fleet_.slots()) {
    if (!slot.alive()) continue;
    if (stop_hardness_ == kInterrupted) {
      Tell(slot, InterruptWorker{slot.worker});
    } else if (stop_hardness_ == kKilled) {
      Tell(slot, KillWorker{slot.worker});
    } else {
      Abandon(&slot);
    }
  }
  if (stop_hardness_ >= kAbandoned) return;
  stop_deadline_ = now_ + plan_.grace;
  out_.push_back(WakeAt{stop_deadline_});
}

// Not even SIGKILL ended it. Closing its node is all that is left to try.
void RunMachine::Abandon(Slot* slot) {
  Say(WorkerLost{slot->worker, slot->name(), HostName(*slot),
                 "does not end, though it was killed", false});
  GiveBack(slot);
  fleet_.Retire(slot, Slot::State::kGone);
}

// ---- The end --------------------------------------------------------------

void RunMachine::FinishWorkers() {
  for (Slot& slot : fleet_.slots()) {
    if (slot.state == Slot::State::kWaiting) {
      fleet_.SetState(&slot, Slot::State::kGone);
    } else if (slot.state == Slot::State::kStarting ||
               slot.state == Slot::State::kReady) {
      fleet_.SetState(&slot, Slot::State::kFinishing);
      Tell(slot, FinishWorker{slot.worker});
    }
  }
}

void RunMachine::CheckEnd() {
  if (phase_ == Phase::kRunning && (plan_.collect_only || ledger_.complete())) {
    const auto& slots = fleet_.slots();
    const bool collecting =
        std::any_of(slots.begin(), slots.end(), [&](const Slot& slot) {
          return !Collected(slot) && slot.state != Slot::State::kGone;
        });
    if (!collecting) {
      phase_ = Phase::kFinishing;
      FinishWorkers();
    }
  }
  const bool stopping =
      phase_ == Phase::kFinishing || phase_ == Phase::kStopping;
  if (stopping && fleet_.CountAlive() == 0) CloseHosts();
  if (phase_ != Phase::kClosing) return;
  const auto& hosts = fleet_.hosts();
  const bool closed =
      std::all_of(hosts.begin(), hosts.end(), [](const HostState& host) {
        return host.link == HostState::Link::kGone;
      });
  if (closed) End();
}

void RunMachine::End() {
  phase_ = Phase::kEnded;
  RunEnded ended;
  ended.at = now_;
  ended.status = Status();
  ended.counts = ledger_.counts();
  ended.flaky = flaky_;
  ended.collect_errors = collect_errors_;
  ended.collect_skips = collect_skips_;
  ended.deselected = Deselected();
  ended.unrun = plan_.collect_only ? 0 : ledger_.units() - ledger_.judged();
  ended.stopped = stop_why_;
  const EndRun end{ended.status, FrameworkStatus(ended.status)};
  Say(std::move(ended));
  out_.push_back(end);
}

ExitStatus RunMachine::Status() const {
  if (internal_errors_ > 0) return ExitStatus::kInternal;
  const bool missing = stop_ == Stop::kHostMissing;
  if (stop_ != Stop::kNone && !missing) return ExitStatus::kInterrupted;
  size_t bad = collect_errors_;
  for (const Verdict verdict : kAllVerdicts) {
    if (IsBad(verdict)) bad += ledger_.count(verdict);
  }
  if (bad > 0 || bad_session_ || collections_differ_) {
    return ExitStatus::kFailed;
  }
  if (missing && ledger_.judged() > 0) return ExitStatus::kIncomplete;
  if (missing && usage_status_ == 0) return ExitStatus::kNoHost;
  if (collections_.empty()) {
    return usage_status_ != 0 ? ExitStatus::kUsage : ExitStatus::kNoHost;
  }
  // A platform that was asked for and said nothing is no green one.
  const bool silent = entry_.spread == Spread::kEveryWorkerAll &&
                      std::any_of(references_.begin(), references_.end(),
                                  [](const auto& reference) {
                                    return reference.slot == nullptr;
                                  });
  const bool lost = ledger_.count(Verdict::kLost) > 0;
  if (silent || (lost && !Mutated(Mutant::kLostIsFine))) {
    return ExitStatus::kIncomplete;
  }
  return ledger_.units() == 0 ? ExitStatus::kNoTests : ExitStatus::kOk;
}

int RunMachine::FrameworkStatus(ExitStatus status) const {
  if (status == ExitStatus::kUsage) return usage_status_;
  const bool asked = stop_ == Stop::kWorkerExit;
  return asked && status == ExitStatus::kInterrupted ? worker_exit_status_ : 0;
}

}  // namespace dist
