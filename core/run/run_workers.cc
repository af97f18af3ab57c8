// The run machine's dealings with workers: start, replacement, end.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/run/judge.h"
#include "core/run/mutants.h"
#include "core/run/run_machine.h"

namespace dist {
namespace {

// A worker that dies again before it has collected would do so for ever.
constexpr int kEarlyDeaths = 2;

}  // namespace

bool RunMachine::WantsStart(const Slot& slot) const {
  if (slot.state != Slot::State::kWaiting) return false;
  if (Collected(slot)) {
    return !plan_.collect_only && ledger_.pending(slot.plan->platform) > 0;
  }
  // Before the first collection nobody knows how much there is to do; but to
  // list tests one worker is enough.
  return !plan_.collect_only || entry_.spread != Spread::kShared ||
         !fleet_.KinStarting(slot.plan->kin);
}

void RunMachine::StartWorkers() {
  const SlotSet& waiting = fleet_.waiting();
  for (size_t i = waiting.Next(0); i != SlotSet::kEnd;
       i = waiting.Next(i + 1)) {
    Slot& slot = fleet_.slots()[i];
    if (!WantsStart(slot) || !fleet_.MayStartOn(slot.plan->host)) continue;
    StartWorker start;
    start.worker = fleet_.Incarnate(&slot);
    start.setup = slot.plan->setup;
    Tell(slot, std::move(start));
  }
}

void RunMachine::On(HostId host, const WorkerConfigured& e) {
  Slot* slot = Find(host, e.worker);
  if (slot == nullptr) return;
  Say(WorkerAnnounced{e.worker, slot->name(), HostName(*slot),
                      slot->plan->platform, e, slot->announced});
  slot->announced = true;
}

void RunMachine::On(HostId host, const WorkerRefused& e) {
  Slot* slot = Find(host, e.worker);
  if (slot == nullptr) return;
  const bool usage = e.why == Refusal::kUsage;
  if (usage && usage_status_ == 0) {
    usage_status_ =
        e.status == 0 ? static_cast<int>(ExitStatus::kUsage) : e.status;
  }
  if (notices_.insert(absl::StrCat(HostName(*slot), "\n", e.text)).second) {
    Say(NoticeGiven{
        usage ? e.text : absl::StrCat("host ", HostName(*slot), ": ", e.text),
        ""});
  }
  GiveBack(slot);
  fleet_.Retire(slot, Slot::State::kGone);
  slot->revivable = false;
  if (!usage) MissHost(host);
  replan_ = true;
}

// ---- Ends -----------------------------------------------------------------

// What the session's own exit status says beyond the tests' verdicts.
void RunMachine::JudgeSession(const Slot& slot, const WorkerFinished& e) {
  if (stop_ != Stop::kNone || internal_errors_ > 0) return;
  if (e.status == 0 || e.status == 2 || e.status == 5) return;
  if (e.status == 1 && slot.said_bad) return;
  bad_session_ = true;
  Say(NoticeGiven{
      absl::StrCat(slot.name(), ": the session ended with exit status ",
                   e.status, e.status == 1 ? ", though no test failed" : "",
                   e.reason.empty() ? "" : ": ", e.reason),
      ""});
}

void RunMachine::On(HostId host, const WorkerFinished& e) {
  Slot* slot = Find(host, e.worker);
  if (slot == nullptr) return;
  const bool unasked =
      slot->state != Slot::State::kFinishing && !plan_.collect_only;
  JudgeSession(*slot, e);
  GiveBack(slot);
  fleet_.Retire(slot, Slot::State::kGone);
  slot->revivable = false;
  replan_ = true;
  if ((e.stopped || e.status == 2 || unasked) && stop_ == Stop::kNone &&
      internal_errors_ == 0) {
    worker_exit_status_ = e.status;
    BeginStop(Stop::kWorkerExit,
              e.reason.empty()
                  ? absl::StrCat(slot->name(), " ended its session")
                  : e.reason);
  }
}

std::string RunMachine::BlameTest(Slot* slot, const WorkerDied& death) {
  // Whom we signalled died of us, not of its test.
  const bool ours = death.cause == DeathCause::kKilled ||
                    (death.cause == DeathCause::kDied && stop_hardness_ > 0);
  const bool any = Mutated(Mutant::kBlameAnyDeath) && !slot->queue.empty();
  if ((!death.was_running && !any) || ours) return "";
  const TestIndex test =
      TestAt(*slot, any ? slot->queue.front().position : death.position);
  if (!test.valid() ||
      ledger_.HeldBy(slot->plan->platform, test, slot->worker) == nullptr) {
    return "";
  }
  const std::string& id = tests_.id(test);
  std::vector<PhaseReport> reports = std::move(slot->reports);
  reports.push_back(DescribeDeath(death, slot->name(), id));
  const Verdict verdict = reports.back().verdict;
  PhaseMicros micros;
  micros.call =
      static_cast<uint32_t>(std::min<uint64_t>(death.micros, UINT32_MAX));
  Conclude(slot, test, verdict, std::move(reports), micros, Retry::kIfAsked);
  return id;
}

void RunMachine::On(HostId host, const WorkerDied& e) {
  Slot* slot = Find(host, e.worker);
  if (slot == nullptr) return;
  std::string what = absl::StrCat("died: ", e.how);
  if (slot->state == Slot::State::kStarting && !e.was_running) {
    absl::StrAppend(&what, " while collecting");
  }
  const bool finishing = slot->state == Slot::State::kFinishing;
  if (finishing && stop_ == Stop::kNone && e.collected &&
      e.cause != DeathCause::kKilled) {
    bad_session_ = true;  // Its teardown did not run to its end.
  }
  fleet_.SetState(slot, Slot::State::kGone);  // Nothing is leased to it now.
  const std::string blamed = BlameTest(slot, e);
  if (!blamed.empty()) absl::StrAppend(&what, " while running ", blamed);
  LoseWorker(slot, e, what);
}

namespace {

PhaseReport DescribeEarlyDeath(const Slot& slot, const WorkerDied& death) {
  PhaseReport report;
  report.nodeid = absl::StrCat("collection by ", slot.name());
  report.phase = Phase::kCollect;
  report.verdict = Verdict::kError;
  report.crash_message = absl::StrCat("the test process died: ", death.how);
  report.longrepr = absl::StrCat(report.crash_message, "\n", death.last_output);
  report.block = report.longrepr;
  return report;
}

}  // namespace

void RunMachine::LoseWorker(Slot* slot, const WorkerDied& death,
                            const std::string& text) {
  const WorkerId worker = slot->worker;
  slot->early_deaths = death.collected ? 0 : slot->early_deaths + 1;
  const bool running = phase_ == Phase::kRunning;
  const bool wanted = running && slot->early_deaths < kEarlyDeaths;
  const bool replace =
      wanted &&
      restarts_ < plan_.max_restarts + Mutated(Mutant::kOneRestartMore);
  GiveBack(slot);
  if (stop_ != Stop::kInterrupt) {
    Say(WorkerLost{worker, slot->name(), HostName(*slot), text, replace});
  }
  if (running && !death.collected && !replace) {
    ReportCollector(slot, DescribeEarlyDeath(*slot, death));
  }
  fleet_.Retire(slot, replace ? Slot::State::kWaiting : Slot::State::kGone);
  slot->revivable = replace;
  if (replace) ++restarts_;
  if (wanted && !replace) {
    Say(NoticeGiven{
        absl::StrCat(slot->name(), " is not replaced: ", plan_.max_restarts,
                     " workers were, which is the limit"),
        "raise --max-worker-restart"});
  }
  replan_ = true;
}

// ---- What only passes through ---------------------------------------------

void RunMachine::On(HostId host, const InternalErrorRaised& e) {
  Slot* slot = Find(host, e.worker);
  if (slot == nullptr) return;
  ++internal_errors_;
  Say(InternalErrorShown{slot->name(), e.text});
}

void RunMachine::On(HostId host, const WarningRaised& e) {
  Slot* slot = Find(host, e.worker);
  if (slot == nullptr) return;
  // Every worker that imports a module meets the same warnings in it.
  const WarningReport& w = e.warning;
  const std::string key =
      absl::StrJoin({w.filename, absl::StrCat(w.line), w.category, w.when,
                     w.nodeid, w.message},
                    "\n");
  if (warnings_.insert(key).second) Say(WarningShown{slot->name(), w});
}

void RunMachine::On(HostId host, const LogEntryWritten& e) {
  Slot* slot = Find(host, e.worker);
  if (slot == nullptr) return;
  Say(LogEntryShown{slot->name(), HostName(*slot), 1, e.json});
}

void RunMachine::On(HostId host, const OutputWritten& e) {
  Slot* slot = Find(host, e.worker);
  if (slot != nullptr) Say(OutputShown{slot->name(), HostName(*slot), e.bytes});
}

}  // namespace dist
