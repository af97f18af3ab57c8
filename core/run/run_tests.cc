// The run machine's dealings with tests: results, losses. Handing out is in
// run_lease.cc.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/run/judge.h"
#include "core/run/mutants.h"
#include "core/run/run_machine.h"

namespace dist {
namespace {

// Contract: a test whose host was lost is run again elsewhere, at most twice.
constexpr uint8_t kLosses = 3;

// As many as a worker gets through while its node gathers results.
constexpr size_t kSuspects = 16;

}  // namespace

TestIndex RunMachine::TestAt(const Slot& slot, uint32_t position) const {
  if (slot.collection == Slot::kNoCollection) return TestIndex();
  const Collection& collection = collections_[slot.collection];
  if (position >= collection.tests.size()) return TestIndex();
  return collection.tests[position];
}

// ---- Giving up ------------------------------------------------------------

// Whether pending tests of the platform may come to some worker: one that has
// yet to start or to collect, one that is busy, should it die to the one that
// replaces it, or one that rests and may run them.
bool RunMachine::MayBeRun(PlatformId platform) {
  size_t others = fleet_.CountWorkers(platform) - fleet_.CountResting(platform);
  if (Mutated(Mutant::kGiveUpEarly)) {
    others = fleet_.CountWorkers(platform) - fleet_.CountIdle(platform);
  }
  if (others > 0) return true;
  const SlotSet& resting = fleet_.resting();
  for (size_t i = resting.Next(0); i != SlotSet::kEnd;
       i = resting.Next(i + 1)) {
    const Slot& slot = fleet_.slots()[i];
    if (slot.plan->platform == platform &&
        ledger_.AnyPending(platform, slot.collection)) {
      return true;
    }
  }
  return false;
}

void RunMachine::GiveUpUnreachable() {
  if (plan_.collect_only) return;
  for (uint32_t p = 0; p < plan_.platforms.size(); ++p) {
    const PlatformId platform(p);
    if (ledger_.pending(platform) == 0 || MayBeRun(platform)) continue;
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
  if (!Mutated(Mutant::kGiveUpUnsaid)) Say(std::move(judged));
  if (bad) ++failures_;
}

// ---- Results --------------------------------------------------------------

void RunMachine::On(HostId host, const TestsReported& e) {
  Slot* slot = Find(host, e.worker);
  if (slot == nullptr) return;
  slot->active_at = now_;
  NoteAnswer(slot, e);
  for (const TestStep& step : e.steps) OnStep(slot, step);
  // What others were denied may be theirs now.
  if (ledger_.TakeFreed()) replan_ = true;
  // What has just become pending is first for those who have nothing.
  if (replan_) FeedIdle();
  TellNext(slot);
  Feed(slot);
  // It has nothing to do: others may have too much, or what is pending is for
  // nobody.
  if (slot->queue.empty()) replan_ = true;
}

// A worker that had nothing begins at once with what it gets, and says so.
void RunMachine::NoteAnswer(Slot* slot, const TestsReported& e) {
  if (slot->waits_since == absl::InfiniteFuture()) return;
  const bool begun =
      std::any_of(e.steps.begin(), e.steps.end(), [](const TestStep& step) {
        return step.kind == TestStep::Kind::kStarted;
      });
  if (!begun) return;
  const absl::Time since =
      std::exchange(slot->waits_since, absl::InfiniteFuture());
  fleet_.host(slot->plan->host).Answered(now_ - since);
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
    slot->EnterModule(BundleKey(Together::kFile, tests_.id(test), ""));
    slot->reports.clear();
    Say(TestStarted{slot->worker, test, slot->plan->platform, &tests_.id(test),
                    now_});
    return;
  }
}

// With --maxfail a worker waits after each failed test for this word, lest it
// runs others while the stop is on its way. The first one asks it to; one that
// it does not wait for does no harm.
void RunMachine::LetGoOn(const Slot& slot) {
  if (plan_.maxfail == 0 || plan_.collect_only) return;
  if (phase_ != Phase::kRunning) return;
  if (Mutated(Mutant::kNeverHold)) return;
  TellLease(slot, {});
}

void RunMachine::OnDone(Slot* slot, const TestStep& step) {
  const TestIndex test = TestAt(*slot, step.position);
  if (!test.valid()) return;
  if (!ledger_.HeldBy(slot->plan->platform, test, slot->worker)) return;
  std::vector<PhaseReport> reports = std::exchange(slot->reports, {});
  // Not only what is bad to us: the worker goes by what its framework says.
  const bool waits =
      std::any_of(reports.begin(), reports.end(), [](const PhaseReport& r) {
        return r.rerun || r.verdict != Verdict::kPassed;
      });
  ++done_;
  fleet_.host(slot->plan->host).reconnects = 0;
  const absl::Duration took =
      absl::Microseconds(static_cast<int64_t>(step.micros.total()));
  busy_ += took;
  if (plan_.estimates.known()) {
    const double expected = ExpectedAt(*slot, step.position);
    slot->pace.Add(absl::ToDoubleSeconds(took), expected);
    pace_.Add(absl::ToDoubleSeconds(took), expected);
  }
  const Verdict verdict = Judge(reports);
  Conclude(slot, test, verdict, std::move(reports), step.micros,
           Retry::kIfAsked);
  if (waits) LetGoOn(*slot);
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
  if (held != slot->queue.end()) {
    slot->queued_time -= ExpectedAt(*slot, held->position);
    slot->queue.erase(held);
    // Something has changed: it may be asked again.
    if (!Mutated(Mutant::kNeverAskAgain)) slot->asked_back = false;
    fleet_.QueueChanged(slot);
  }
  Unit* unit = ledger_.HeldBy(platform, test, slot->worker);
  // Whom a loss was counted against stays one: --retries may run it again.
  if (unit->losses == 0) ledger_.SetSuspect(platform, test, false);
  TestJudged judged = MakeJudged(*slot, test, verdict, micros);
  judged.reports = std::move(reports);
  // Tries that a lost host cut short are not among those that --retries allows.
  const uint32_t retried = unit->attempt - 1 - unit->losses;
  const uint32_t most = plan_.retries + Mutated(Mutant::kOneRetryMore);
  if (IsBad(verdict) && retry == Retry::kIfAsked && retried < most &&
      phase_ == Phase::kRunning) {
    if (!Mutated(Mutant::kUncountedRetry)) ++unit->attempt;
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
  if (verdict == Verdict::kCrashed && Mutated(Mutant::kMaxfailIgnoresCrashes)) {
    return;
  }
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
  if (!Mutated(Mutant::kForgetAmendment)) {
    ledger_.Amend(platform, test, after);
  }
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
      slot->queued_time -= ExpectedAt(*slot, leased.position);
      if (Mutated(Mutant::kForgetReturnedTests)) continue;
      ledger_.Return(slot->plan->platform, TestAt(*slot, leased.position));
    } else {
      kept.push_back(leased);
    }
  }
  // Nothing came back: it all had started. Not to be asked again at once.
  if (kept.size() < slot->queue.size() && !Mutated(Mutant::kNeverAskAgain)) {
    slot->asked_back = false;
  }
  slot->queue = std::move(kept);
  fleet_.QueueChanged(slot);
  replan_ = true;
}

// ---- Losses ---------------------------------------------------------------

void RunMachine::GiveBack(Slot* slot) {
  for (const LeasedTest& leased : slot->queue) {
    if (Mutated(Mutant::kForgetLostTests)) break;
    ledger_.Return(slot->plan->platform, TestAt(*slot, leased.position));
  }
  slot->queue.clear();
  slot->queued_time = 0;
  fleet_.QueueChanged(slot);
}

// What the worker was running when its node was lost may never have been said,
// or its end: whatever it may have been is told to workers one by one from now
// on, so that the next time there is no doubt.
void RunMachine::Suspect(const Slot& slot) {
  if (Mutated(Mutant::kTrustAll)) return;
  for (size_t i = 0; i < std::min(kSuspects, slot.queue.size()); ++i) {
    if (!slot.queue[i].told) return;
    ledger_.SetSuspect(slot.plan->platform,
                       TestAt(slot, slot.queue[i].position), true);
  }
}

// The test that has begun counts as running, else the next one: as a suspect it
// is alone when it is lost again.
void RunMachine::LoseRunningTest(Slot* slot) {
  if (slot->queue.empty()) return;
  Suspect(*slot);
  auto running =
      std::find_if(slot->queue.begin(), slot->queue.end(),
                   [](const LeasedTest& leased) { return leased.started; });
  if (running == slot->queue.end()) {
    if (Mutated(Mutant::kBlameNoUnsaid)) return;
    running = slot->queue.begin();
  }
  const TestIndex test = TestAt(*slot, running->position);
  Unit* unit = ledger_.HeldBy(slot->plan->platform, test, slot->worker);
  if (unit == nullptr) return;
  if (unit->losses + 1 >= kLosses || Mutated(Mutant::kCrashOnFirstLoss)) {
    Conclude(slot, test, Verdict::kCrashed,
             {DescribeLosses(kLosses, tests_.id(test))}, {}, Retry::kNever);
    return;
  }
  if (phase_ == Phase::kRunning) {
    Say(TestTriedAgain{MakeJudged(*slot, test, Verdict::kLost, {}),
                       "its host was lost"});
  }
  if (!Mutated(Mutant::kUncountedLoss)) ++unit->losses;
  ++unit->attempt;
}

}  // namespace dist
