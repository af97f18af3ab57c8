// The run machine's entry points, the life of workers, and the end of the run.
// What happens to tests is in run_tests.cc.
#include "core/run/run_machine.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/run/judge.h"

namespace dist {
namespace {

// A worker that dies again before it has collected would do so for ever.
constexpr int kEarlyDeaths = 2;
constexpr int kReconnects = 3;

}  // namespace

RunMachine::RunMachine(RunPlan plan)
    : plan_(std::move(plan)),
      entry_(*FindPolicy(plan_.mode)),
      policy_(entry_.make(PolicyOptions{plan_.max_chunk})),
      fleet_(plan_),
      ledger_(plan_.platforms.size()) {}

Commands RunMachine::Take() { return std::exchange(out_, {}); }

void RunMachine::Tell(const Slot& slot, NodeCommand command) {
  out_.push_back(TellNode{slot.plan->host, std::move(command)});
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
  return Take();
}

Commands RunMachine::OnNode(HostId host, const NodeEvent& event,
                            absl::Time now) {
  now_ = now;
  if (phase_ == Phase::kEnded) return {};
  std::visit([&](const auto& e) { On(host, e); }, event);
  CheckEnd();
  return Take();
}

Commands RunMachine::OnHostLost(HostId host, const std::string& text,
                                absl::Time now) {
  now_ = now;
  HostState& state = fleet_.host(host);
  if (phase_ == Phase::kEnded || state.link == HostState::Link::kGone) {
    return {};
  }
  const bool expected = state.link == HostState::Link::kClosing;
  const bool again = !expected && phase_ == Phase::kRunning &&
                     state.reconnects < kReconnects;
  state.link = again ? HostState::Link::kConnecting : HostState::Link::kGone;
  if (!expected) {
    Say(WorkerLost{WorkerId(), "", plan_.hosts[host.value()].name, text, again});
  }
  for (Slot& slot : fleet_.slots()) {
    if (slot.plan->host != host) continue;
    if (slot.alive()) {
      slot.state = Slot::State::kGone;  // Nothing more is leased to it.
      LoseRunningTest(&slot);
      GiveBack(&slot);
      fleet_.Retire(&slot, Slot::State::kWaiting);
    }
    if (!again) slot.state = Slot::State::kGone;
  }
  if (again) {
    ++state.reconnects;
    out_.push_back(ConnectHost{host});
  }
  FeedAll();
  CheckEnd();
  return Take();
}

Commands RunMachine::OnInterrupt(const std::string& why, absl::Time now) {
  now_ = now;
  if (phase_ == Phase::kEnded) return {};
  if (stop_ == Stop::kInterrupt) {
    stop_hardness_ = 1;  // The next step is to kill.
    HardenStop();
  } else {
    stop_hardness_ = 0;
    BeginStop(Stop::kInterrupt, why);
    HardenStop();
  }
  CheckEnd();
  return Take();
}

Commands RunMachine::Wake(absl::Time now) {
  now_ = now;
  if (phase_ == Phase::kStopping && now >= stop_deadline_) HardenStop();
  CheckEnd();
  return Take();
}

// ---- Workers --------------------------------------------------------------

void RunMachine::On(HostId host, const NodeReady& e) {
  HostState& state = fleet_.host(host);
  if (state.link != HostState::Link::kConnecting) return;
  state.link = HostState::Link::kUp;
  state.cpus = std::max<uint32_t>(e.cpus, 1);
  if (phase_ == Phase::kRunning) {
    StartWorkers();
  } else if (phase_ == Phase::kClosing) {
    CloseHosts();
  }
}

bool RunMachine::WantsStart(const Slot& slot) const {
  if (slot.state != Slot::State::kWaiting) return false;
  if (plan_.collect_only && entry_.spread == Spread::kShared) {
    return !fleet_.KinCollected(slot.plan->kin) &&
           !fleet_.KinStarting(slot.plan->kin);
  }
  // Before the first collection nobody knows how much there is to do.
  return !fleet_.KinCollected(slot.plan->kin) ||
         entry_.spread == Spread::kEveryWorkerAll ||
         ledger_.pending(slot.plan->platform) > 0;
}

void RunMachine::StartWorkers() {
  if (phase_ != Phase::kRunning) return;
  for (Slot& slot : fleet_.slots()) {
    if (!WantsStart(slot) || !fleet_.MayStartOn(slot.plan->host)) continue;
    StartWorker start;
    start.worker = fleet_.Incarnate(&slot);
    start.setup = slot.plan->setup;
    Tell(slot, std::move(start));
  }
}

void RunMachine::On(HostId, const WorkerConfigured& e) {
  Slot* slot = fleet_.Find(e.worker);
  if (slot == nullptr) return;
  Say(WorkerAnnounced{e.worker, slot->name(), HostName(*slot),
                      slot->plan->platform, e, slot->announced});
  slot->announced = true;
}

void RunMachine::On(HostId, const WorkerRefused& e) {
  Slot* slot = fleet_.Find(e.worker);
  if (slot == nullptr) return;
  const bool framework = e.why == Refusal::kUsage;
  if (refusal_status_ == 0) {
    refusal_status_ = framework
                          ? (e.status == 0 ? 4 : e.status)
                          : static_cast<int>(ExitStatus::kNoHost);
  }
  if (notices_.insert(absl::StrCat(HostName(*slot), "\n", e.text)).second) {
    Say(NoticeGiven{framework ? e.text
                              : absl::StrCat("host ", HostName(*slot), ": ",
                                             e.text),
                    ""});
  }
  GiveBack(slot);
  fleet_.Retire(slot, Slot::State::kGone);
  StartWorkers();
  FeedAll();
}

void RunMachine::On(HostId, const WorkerFinished& e) {
  Slot* slot = fleet_.Find(e.worker);
  if (slot == nullptr) return;
  const bool unasked = slot->state != Slot::State::kFinishing;
  const size_t bad = ledger_.count(Verdict::kFailed) +
                     ledger_.count(Verdict::kError) + collect_errors_;
  const bool odd_status = e.status != 0 && e.status != 2 && e.status != 5;
  if (stop_ == Stop::kNone && odd_status && (e.status != 1 || bad == 0)) {
    bad_session_ = true;
    Say(NoticeGiven{absl::StrCat(slot->name(), ": the session ended with exit",
                                 " status ", e.status,
                                 e.status == 1 ? ", though no test failed" : "",
                                 e.reason.empty() ? "" : ": ", e.reason),
                    ""});
  }
  GiveBack(slot);
  fleet_.Retire(slot, Slot::State::kGone);
  if ((e.stopped || e.status == 2 || unasked) && stop_ == Stop::kNone &&
      internal_errors_ == 0) {
    worker_exit_status_ = e.status;
    BeginStop(Stop::kWorkerExit,
              e.reason.empty() ? absl::StrCat(slot->name(), " ended its session")
                               : e.reason);
  }
  FeedAll();
}

void RunMachine::On(HostId, const WorkerDied& e) {
  Slot* slot = fleet_.Find(e.worker);
  if (slot == nullptr) return;
  const Slot::State was = slot->state;
  slot->state = Slot::State::kGone;  // Nothing more is leased to it.
  std::string what = e.how;
  if (e.was_running && e.cause != DeathCause::kKilled) {
    const TestIndex test = TestAt(*slot, e.position);
    Unit* unit = test.valid() ? ledger_.HeldBy(slot->plan->platform, test,
                                               e.worker)
                              : nullptr;
    if (unit != nullptr) {
      absl::StrAppend(&what, " while running ", tests_.id(test));
      std::vector<PhaseReport> reports = std::move(slot->reports);
      reports.push_back(DescribeDeath(e, slot->name(), tests_.id(test)));
      const Verdict verdict = reports.back().verdict;
      PhaseMicros micros;
      micros.call = static_cast<uint32_t>(
          std::min<uint64_t>(e.micros, UINT32_MAX));
      Conclude(slot, test, unit, verdict, std::move(reports), micros);
    }
  } else if (was == Slot::State::kStarting) {
    absl::StrAppend(&what, " while collecting");
  }
  slot->early_deaths = e.collected ? 0 : slot->early_deaths + 1;
  if (!e.collected && slot->early_deaths >= kEarlyDeaths) {
    PhaseReport report;
    report.nodeid = absl::StrCat("collection by ", slot->name());
    report.phase = dist::Phase::kCollect;
    report.verdict = Verdict::kError;
    report.crash_message = absl::StrCat("the test process died: ", e.how);
    report.longrepr = absl::StrCat(report.crash_message, "\n", e.last_output);
    report.block = report.longrepr;
    On(HostId(), CollectorReported{e.worker, std::move(report)});
  }
  LoseWorker(slot, was, absl::StrCat("died: ", what));
}

void RunMachine::LoseWorker(Slot* slot, Slot::State was,
                            const std::string& text) {
  const WorkerId worker = slot->worker;
  const bool finishing = was == Slot::State::kFinishing;
  GiveBack(slot);
  const bool wanted = phase_ == Phase::kRunning && !finishing &&
                      slot->early_deaths < kEarlyDeaths;
  const bool replace = wanted && restarts_ < plan_.max_restarts;
  fleet_.Retire(slot, replace ? Slot::State::kWaiting : Slot::State::kGone);
  if (stop_ != Stop::kInterrupt) {
    Say(WorkerLost{worker, slot->name(), HostName(*slot), text, replace});
  }
  if (replace) ++restarts_;
  if (wanted && !replace) {
    Say(NoticeGiven{
        absl::StrCat(slot->name(), " is not replaced: ", plan_.max_restarts,
                     " workers were, which is the limit"),
        "raise --max-worker-restart"});
  }
  if (finishing && stop_ == Stop::kNone) bad_session_ = true;
  StartWorkers();
  FeedAll();
}

void RunMachine::On(HostId, const InternalErrorRaised& e) {
  Slot* slot = fleet_.Find(e.worker);
  if (slot == nullptr) return;
  ++internal_errors_;
  Say(InternalErrorShown{slot->name(), e.text});
}

void RunMachine::On(HostId, const WarningRaised& e) {
  Slot* slot = fleet_.Find(e.worker);
  if (slot != nullptr) Say(WarningShown{slot->name(), e.warning});
}

void RunMachine::On(HostId, const LogEntryWritten& e) {
  Slot* slot = fleet_.Find(e.worker);
  if (slot == nullptr) return;
  Say(LogEntryShown{slot->name(), HostName(*slot), 1, e.json});
}

void RunMachine::On(HostId, const OutputWritten& e) {
  Slot* slot = fleet_.Find(e.worker);
  if (slot != nullptr) Say(OutputShown{slot->name(), HostName(*slot), e.bytes});
}

// ---- The end --------------------------------------------------------------

void RunMachine::BeginStop(Stop stop, const std::string& why) {
  stop_ = stop;
  stop_why_ = why;
  Say(RunStopping{why});
  if (phase_ == Phase::kRunning) phase_ = Phase::kStopping;
  for (Slot& slot : fleet_.slots()) {
    if (slot.state == Slot::State::kWaiting) slot.state = Slot::State::kGone;
    if (!slot.alive()) continue;
    ReturnTests back{slot.worker, {}};
    for (const LeasedTest& test : slot.queue) {
      if (!test.started) back.positions.push_back(test.position);
    }
    if (!back.positions.empty()) Tell(slot, std::move(back));
    if (slot.state != Slot::State::kFinishing) {
      slot.state = Slot::State::kFinishing;
      Tell(slot, FinishWorker{slot.worker});
    }
  }
  stop_deadline_ = now_ + plan_.grace;
  out_.push_back(WakeAt{stop_deadline_});
}

void RunMachine::HardenStop() {
  ++stop_hardness_;
  for (const Slot& slot : fleet_.slots()) {
    if (!slot.alive()) continue;
    if (stop_hardness_ == 1) {
      Tell(slot, InterruptWorker{slot.worker});
    } else {
      Tell(slot, KillWorker{slot.worker});
    }
  }
  stop_deadline_ = now_ + plan_.grace;
  out_.push_back(WakeAt{stop_deadline_});
}

void RunMachine::CheckEnd() {
  if (phase_ == Phase::kRunning) {
    GiveUpUnreachable();
    const bool collecting = std::any_of(
        fleet_.slots().begin(), fleet_.slots().end(), [&](const Slot& slot) {
          return !fleet_.KinCollected(slot.plan->kin) &&
                 slot.state != Slot::State::kGone;
        });
    const bool listed = plan_.collect_only && !collecting;
    if (listed || (ledger_.complete() && !collecting)) {
      phase_ = Phase::kFinishing;
      for (Slot& slot : fleet_.slots()) {
        if (slot.state == Slot::State::kWaiting) {
          slot.state = Slot::State::kGone;
        } else if (slot.state == Slot::State::kStarting ||
                   slot.state == Slot::State::kReady) {
          slot.state = Slot::State::kFinishing;
          Tell(slot, FinishWorker{slot.worker});
        }
      }
    }
  }
  if (phase_ == Phase::kFinishing || phase_ == Phase::kStopping) {
    if (fleet_.CountAlive() == 0) CloseHosts();
  }
  if (phase_ == Phase::kClosing) {
    const bool open = std::any_of(
        fleet_.hosts().begin(), fleet_.hosts().end(), [](const HostState& h) {
          return h.link != HostState::Link::kGone;
        });
    if (!open) End();
  }
}

void RunMachine::CloseHosts() {
  phase_ = Phase::kClosing;
  for (uint32_t i = 0; i < fleet_.hosts().size(); ++i) {
    HostState& host = fleet_.hosts()[i];
    if (host.link != HostState::Link::kUp) continue;
    host.link = HostState::Link::kClosing;
    out_.push_back(TellNode{HostId(i), CloseNode{}});
  }
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
  ended.deselected = deselected_;
  ended.unrun = plan_.collect_only ? 0 : ledger_.units() - ledger_.judged();
  ended.stopped = stop_why_;
  const int framework_status =
      stop_ == Stop::kWorkerExit && ended.status == ExitStatus::kInterrupted
          ? worker_exit_status_
          : (ledger_.units() == 0 && ended.status == ExitStatus::kUsage
                 ? refusal_status_
                 : 0);
  Say(std::move(ended));
  out_.push_back(EndRun{Status(), framework_status});
}

ExitStatus RunMachine::Status() const {
  if (internal_errors_ > 0) return ExitStatus::kInternal;
  if (stop_ != Stop::kNone) return ExitStatus::kInterrupted;
  size_t bad = collect_errors_;
  for (const Verdict verdict : kAllVerdicts) {
    if (IsBad(verdict)) bad += ledger_.count(verdict);
  }
  if (bad > 0 || bad_session_) return ExitStatus::kFailed;
  const bool any_collected = !collections_.empty();
  if (!any_collected) {
    return refusal_status_ != 0 &&
                   refusal_status_ != static_cast<int>(ExitStatus::kNoHost)
               ? ExitStatus::kUsage
               : ExitStatus::kNoHost;
  }
  if (ledger_.units() == 0) return ExitStatus::kNoTests;
  if (ledger_.count(Verdict::kLost) > 0) return ExitStatus::kIncomplete;
  return ExitStatus::kOk;
}

}  // namespace dist
