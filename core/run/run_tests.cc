// The run machine's dealings with tests: handing out, results, losses.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/run/judge.h"
#include "core/run/run_machine.h"

namespace dist {
namespace {

// Contract: a test whose host was lost is run again elsewhere, at most twice.
constexpr uint8_t kLosses = 3;

}  // namespace

TestIndex RunMachine::TestAt(const Slot& slot, uint32_t position) const {
  if (slot.collection == Slot::kNoCollection) return TestIndex();
  const Collection& collection = collections_[slot.collection];
  if (position >= collection.tests.size()) return TestIndex();
  return collection.tests[position];
}

// ---- Handing out ----------------------------------------------------------

Demand RunMachine::DemandOf(const Slot& slot) const {
  Demand demand;
  demand.queued = slot.queue.size();
  demand.pending = ledger_.pending(slot.plan->platform);
  demand.workers = fleet_.CountWorkers(slot.plan->platform);
  if (done_ > 0) demand.mean = busy_ / static_cast<int64_t>(done_);
  return demand;
}

void RunMachine::Feed(Slot* slot) {
  if (phase_ != Phase::kRunning || plan_.collect_only) return;
  if (slot->state != Slot::State::kReady) return;
  const PlatformId platform = slot->plan->platform;
  if (ledger_.pending(platform) == 0) return;
  const size_t portion = policy_->Portion(DemandOf(*slot));
  if (portion == 0) return;
  RunTests run;
  run.worker = slot->worker;
  run.positions =
      ledger_.Lease(platform, slot->collection, portion, slot->worker);
  if (run.positions.empty()) return;
  run.lease = next_lease_++;
  for (const uint32_t position : run.positions) {
    slot->queue.push_back({position, false});
  }
  Tell(*slot, std::move(run));
}

// Whether pending tests of its platform may come to the slot, or to the one
// that replaces it should it die.
bool RunMachine::MayGet(const Slot& slot) {
  switch (slot.state) {
    case Slot::State::kWaiting:
    case Slot::State::kStarting:
      return true;
    case Slot::State::kReady:
      return !slot.queue.empty() ||
             ledger_.AnyPending(slot.plan->platform, slot.collection);
    case Slot::State::kFinishing:
    case Slot::State::kGone:
      return false;
  }
  return false;
}

void RunMachine::GiveUpUnreachable() {
  if (plan_.collect_only) return;
  std::vector<bool> hope(plan_.platforms.size());
  for (const Slot& slot : fleet_.slots()) {
    const uint32_t platform = slot.plan->platform.value();
    if (!hope[platform]) hope[platform] = MayGet(slot);
  }
  for (uint32_t p = 0; p < hope.size(); ++p) {
    const PlatformId platform(p);
    if (hope[p] || ledger_.pending(platform) == 0) continue;
    for (const TestIndex test : ledger_.PendingOf(platform)) {
      GiveUp(platform, test);
    }
  }
}

void RunMachine::GiveUp(PlatformId platform, TestIndex test) {
  const Unit& unit = ledger_.unit(platform, test);
  TestJudged judged;
  judged.test = test;
  judged.platform = platform;
  judged.id = &tests_.id(test);
  judged.attempt = unit.attempt;
  judged.at = now_;
  judged.verdict = Verdict::kLost;
  if (unit.failed_before) {
    // It has a verdict of its own; only the next try does not come.
    judged.verdict = unit.verdict;
    --judged.attempt;
    judged.reports.push_back(DescribeNoRetry(unit.verdict, *judged.id));
  }
  ledger_.Judge(platform, test, judged.verdict);
  const bool bad = IsBad(judged.verdict);
  Say(std::move(judged));
  if (bad) ++failures_;
}

// ---- Results --------------------------------------------------------------

void RunMachine::On(HostId host, const TestsReported& e) {
  Slot* slot = Find(host, e.worker);
  if (slot == nullptr) return;
  for (const TestStep& step : e.steps) OnStep(slot, step);
  Feed(slot);
  // It has nothing to do though something is pending: perhaps nobody can.
  if (slot->queue.empty() && ledger_.pending(slot->plan->platform) > 0) {
    replan_ = true;
  }
}

void RunMachine::OnStep(Slot* slot, const TestStep& step) {
  if (!step.report.empty() && IsBad(step.report[0].verdict) &&
      !step.report[0].rerun) {
    slot->said_bad = true;
  }
  switch (step.kind) {
    case TestStep::Kind::kStarted:
      return OnStarted(slot, step);
    case TestStep::Kind::kPhase:
      if (!step.report.empty()) slot->reports.push_back(step.report[0]);
      return;
    case TestStep::Kind::kDone:
      return OnDone(slot, step);
    case TestStep::Kind::kLate:
      return OnLate(slot, step);
  }
}

void RunMachine::OnStarted(Slot* slot, const TestStep& step) {
  const TestIndex test = TestAt(*slot, step.position);
  if (!test.valid()) return;
  for (LeasedTest& leased : slot->queue) {
    if (leased.position != step.position) continue;
    leased.started = true;
    slot->reports.clear();
    Say(TestStarted{slot->worker, test, slot->plan->platform, &tests_.id(test),
                    now_});
    return;
  }
}

void RunMachine::OnDone(Slot* slot, const TestStep& step) {
  const TestIndex test = TestAt(*slot, step.position);
  if (!test.valid()) return;
  if (!ledger_.HeldBy(slot->plan->platform, test, slot->worker)) return;
  std::vector<PhaseReport> reports = std::exchange(slot->reports, {});
  ++done_;
  busy_ += absl::Microseconds(static_cast<int64_t>(step.micros.total()));
  const Verdict verdict = Judge(reports);
  Conclude(slot, test, verdict, std::move(reports), step.micros,
           Retry::kIfAsked);
}

TestJudged RunMachine::MakeJudged(const Slot& slot, TestIndex test,
                                  Verdict verdict, PhaseMicros micros) const {
  TestJudged judged;
  judged.test = test;
  judged.platform = slot.plan->platform;
  judged.id = &tests_.id(test);
  judged.verdict = verdict;
  judged.worker = slot.name();
  judged.host = HostName(slot);
  judged.attempt = ledger_.unit(slot.plan->platform, test).attempt;
  judged.micros = micros;
  judged.at = now_;
  return judged;
}

void RunMachine::Conclude(Slot* slot, TestIndex test, Verdict verdict,
                          std::vector<PhaseReport> reports, PhaseMicros micros,
                          Retry retry) {
  const PlatformId platform = slot->plan->platform;
  const auto held = std::find_if(
      slot->queue.begin(), slot->queue.end(), [&](const LeasedTest& leased) {
        return TestAt(*slot, leased.position) == test;
      });
  if (held != slot->queue.end()) slot->queue.erase(held);
  Unit* unit = ledger_.HeldBy(platform, test, slot->worker);
  TestJudged judged = MakeJudged(*slot, test, verdict, micros);
  judged.reports = std::move(reports);
  // Tries that a lost host cut short are not among those that --retries allows.
  const uint32_t retried = unit->attempt - 1 - unit->losses;
  if (IsBad(verdict) && retry == Retry::kIfAsked && retried < plan_.retries &&
      phase_ == Phase::kRunning) {
    ++unit->attempt;
    unit->failed_before = true;
    unit->verdict = verdict;
    ledger_.Return(platform, test);
    replan_ = true;
    Say(TestTriedAgain{std::move(judged), "failed"});
    return;
  }
  judged.flaky = unit->failed_before && verdict == Verdict::kPassed;
  if (judged.flaky) ++flaky_;
  ledger_.Judge(platform, test, verdict);
  Say(std::move(judged));
  if (!IsBad(verdict)) return;
  ++failures_;
  CheckFailures();
}

void RunMachine::OnLate(Slot* slot, const TestStep& step) {
  const TestIndex test = TestAt(*slot, step.position);
  if (!test.valid() || step.report.empty()) return;
  const PlatformId platform = slot->plan->platform;
  const Unit* unit = ledger_.JudgedBy(platform, test, slot->worker);
  if (unit == nullptr) return;
  const Verdict before = unit->verdict;
  const Verdict after = IsBad(before) ? before : Verdict::kError;
  if (unit->failed_before && before == Verdict::kPassed) --flaky_;
  ledger_.Amend(platform, test, after);
  Say(VerdictAmended{test, platform, &tests_.id(test), slot->name(), before,
                     after, step.report[0]});
  if (before == after) return;
  ++failures_;
  CheckFailures();
}

void RunMachine::On(HostId host, const TestsReturned& e) {
  Slot* slot = Find(host, e.worker);
  if (slot == nullptr) return;
  const absl::flat_hash_set<uint32_t> returned(e.positions.begin(),
                                               e.positions.end());
  std::deque<LeasedTest> kept;
  for (const LeasedTest& leased : slot->queue) {
    if (returned.contains(leased.position)) {
      ledger_.Return(slot->plan->platform, TestAt(*slot, leased.position));
    } else {
      kept.push_back(leased);
    }
  }
  slot->queue = std::move(kept);
  replan_ = true;
}

// ---- Losses ---------------------------------------------------------------

void RunMachine::GiveBack(Slot* slot) {
  for (const LeasedTest& leased : slot->queue) {
    ledger_.Return(slot->plan->platform, TestAt(*slot, leased.position));
  }
  slot->queue.clear();
}

void RunMachine::LoseRunningTest(Slot* slot) {
  const auto running =
      std::find_if(slot->queue.begin(), slot->queue.end(),
                   [](const LeasedTest& leased) { return leased.started; });
  if (running == slot->queue.end()) return;
  const TestIndex test = TestAt(*slot, running->position);
  Unit* unit = ledger_.HeldBy(slot->plan->platform, test, slot->worker);
  if (unit->losses + 1 >= kLosses) {
    Conclude(slot, test, Verdict::kCrashed,
             {DescribeLosses(kLosses, tests_.id(test))}, {}, Retry::kNever);
    return;
  }
  if (phase_ == Phase::kRunning) {
    Say(TestTriedAgain{MakeJudged(*slot, test, Verdict::kLost, {}),
                       "its host was lost"});
  }
  ++unit->losses;
  ++unit->attempt;
}

}  // namespace dist
