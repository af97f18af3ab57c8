// The run machine's dealings with collections and tests.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/run/judge.h"
#include "core/run/run_machine.h"

namespace dist {
namespace {

constexpr size_t kDifferencesShown = 10;
// Contract: a test whose host was lost is run again elsewhere, at most twice.
constexpr uint8_t kLosses = 3;

}  // namespace

TestIndex RunMachine::TestAt(const Slot& slot, uint32_t position) const {
  if (slot.collection == Slot::kNoCollection) return TestIndex();
  const Collection& collection = collections_[slot.collection];
  if (position >= collection.tests.size()) return TestIndex();
  return collection.tests[position];
}

// ---- Collections ----------------------------------------------------------

void RunMachine::On(HostId, const CollectorReported& e) {
  Slot* slot = fleet_.Find(e.worker);
  if (slot == nullptr) return;
  // Every worker of a platform meets the same broken module.
  const std::string key =
      absl::StrCat(slot->plan->platform.value(), "\n", e.report.nodeid);
  if (!seen_collectors_.insert(key).second) return;
  if (e.report.verdict == Verdict::kSkipped) {
    ++collect_skips_;
  } else {
    ++collect_errors_;
  }
  Say(CollectorFailed{slot->name(), HostName(*slot), slot->plan->platform,
                      e.report});
  if (e.report.verdict != Verdict::kSkipped) {
    ++failures_;
    CheckFailures();
  }
}

void RunMachine::On(HostId host, const CollectionReported& e) {
  Slot* slot = fleet_.Find(e.worker);
  if (slot == nullptr || slot->collection != Slot::kNoCollection) return;
  deselected_ = std::max<size_t>(deselected_, e.deselected);
  for (size_t i = 0; i < collections_.size(); ++i) {
    if (collections_[i].hash == e.hash) {
      Attach(slot, i);
      return;
    }
  }
  slot->awaited_hash = e.hash;
  if (asked_hashes_.insert(absl::StrCat(host.value(), " ", e.hash)).second) {
    Tell(*slot, ListCollection{e.hash});
  }
}

void RunMachine::On(HostId, const CollectionListed& e) {
  const bool awaited = std::any_of(
      fleet_.slots().begin(), fleet_.slots().end(), [&](const Slot& slot) {
        return slot.worker.valid() && slot.awaited_hash == e.hash;
      });
  if (!awaited) return;
  const size_t number = collections_.size();
  collections_.push_back(MakeCollection(e, plan_.selection, &tests_));
  deselected_ += collections_.back().deselected;
  for (Slot& slot : fleet_.slots()) {
    if (slot.worker.valid() && slot.awaited_hash == e.hash) {
      slot.awaited_hash.clear();
      Attach(&slot, number);
    }
  }
}

const Slot* RunMachine::FirstCollected(PlatformId platform) const {
  for (const Slot& slot : const_cast<RunMachine*>(this)->fleet_.slots()) {
    if (slot.plan->platform == platform &&
        slot.collection != Slot::kNoCollection) {
      return &slot;
    }
  }
  return nullptr;
}

void RunMachine::CompareCollections(const Slot& slot,
                                    const Collection& collection) {
  const Slot* first = FirstCollected(slot.plan->platform);
  if (first == nullptr) return;
  const Collection& reference = collections_[first->collection];
  if (&reference == &collection) return;
  std::vector<std::string> lines =
      DescribeDifference(reference, first->name(), collection, slot.name(),
                         tests_, kDifferencesShown);
  if (lines.empty()) return;
  lines.insert(lines.begin(),
               absl::StrCat(slot.name(), " (", HostName(slot),
                            ") collected other tests than ", first->name(),
                            " (", HostName(*first), "):"));
  Say(CollectionsDiffer{std::move(lines)});
}

void RunMachine::Attach(Slot* slot, size_t number) {
  const Collection& collection = collections_[number];
  CompareCollections(*slot, collection);
  slot->collection = number;
  slot->early_deaths = 0;
  fleet_.SetKinCollected(slot->plan->kin);
  if (slot->state == Slot::State::kStarting) slot->state = Slot::State::kReady;
  const size_t added =
      ledger_.AddCollection(slot->plan->platform, number, collection);
  if (plan_.collect_only && (added > 0 || collection.order.empty())) {
    TestsListed listed{slot->plan->platform, {}};
    for (const uint32_t position : collection.order) {
      listed.ids.push_back(tests_.id(collection.tests[position]));
    }
    Say(std::move(listed));
  }
  const auto& slots = fleet_.slots();
  Say(CollectionGrew{slot->worker, ledger_.units(),
                     static_cast<size_t>(std::count_if(
                         slots.begin(), slots.end(),
                         [](const Slot& s) {
                           return s.collection != Slot::kNoCollection;
                         })),
                     deselected_});
  StartWorkers();
  if (added > 0) {
    FeedAll();
  } else {
    Feed(slot);
  }
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
  const size_t portion = policy_->Portion(DemandOf(*slot));
  if (portion == 0) return;
  RunTests run;
  run.worker = slot->worker;
  run.positions = ledger_.Lease(slot->plan->platform, slot->collection, portion,
                                slot->worker);
  if (run.positions.empty()) return;
  run.lease = next_lease_++;
  for (const uint32_t position : run.positions) {
    slot->queue.push_back({position, false});
  }
  Tell(*slot, std::move(run));
}

void RunMachine::FeedAll() {
  for (Slot& slot : fleet_.slots()) Feed(&slot);
}

void RunMachine::GiveUpUnreachable() {
  for (uint32_t p = 0; p < plan_.platforms.size(); ++p) {
    const PlatformId platform(p);
    if (ledger_.pending(platform) == 0 || plan_.collect_only) continue;
    const bool hope = std::any_of(
        fleet_.slots().begin(), fleet_.slots().end(), [&](const Slot& slot) {
          if (slot.plan->platform != platform) return false;
          if (slot.state == Slot::State::kWaiting ||
              slot.state == Slot::State::kStarting) {
            return true;
          }
          // A worker that is busy may die and be replaced by one that has
          // them; an idle one that was not fed has nothing to gain.
          return slot.state == Slot::State::kReady && !slot.queue.empty();
        });
    if (hope) continue;
    for (const TestIndex test : ledger_.PendingOf(platform)) {
      ledger_.Judge(platform, test, Verdict::kLost);
      TestJudged judged;
      judged.test = test;
      judged.platform = platform;
      judged.id = &tests_.id(test);
      judged.verdict = Verdict::kLost;
      judged.attempt = ledger_.unit(platform, test).attempt;
      judged.at = now_;
      Say(std::move(judged));
    }
  }
}

// ---- Results --------------------------------------------------------------

void RunMachine::On(HostId, const TestsReported& e) {
  Slot* slot = fleet_.Find(e.worker);
  if (slot == nullptr) return;
  for (const TestStep& step : e.steps) OnStep(slot, step);
  Feed(slot);
}

void RunMachine::OnStep(Slot* slot, const TestStep& step) {
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
  slot->reports.clear();
  for (LeasedTest& leased : slot->queue) {
    if (leased.position != step.position) continue;
    leased.started = true;
    Say(TestStarted{slot->worker, test, slot->plan->platform, &tests_.id(test),
                    now_});
    return;
  }
}

void RunMachine::OnDone(Slot* slot, const TestStep& step) {
  const TestIndex test = TestAt(*slot, step.position);
  if (!test.valid()) return;
  Unit* unit = ledger_.HeldBy(slot->plan->platform, test, slot->worker);
  if (unit == nullptr) return;
  std::vector<PhaseReport> reports = std::exchange(slot->reports, {});
  ++done_;
  busy_ += absl::Microseconds(static_cast<int64_t>(step.micros.total()));
  const Verdict verdict = Judge(reports);
  Conclude(slot, test, unit, verdict, std::move(reports), step.micros);
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
  judged.micros = micros;
  judged.at = now_;
  return judged;
}

void RunMachine::Conclude(Slot* slot, TestIndex test, Unit* unit,
                          Verdict verdict, std::vector<PhaseReport> reports,
                          PhaseMicros micros) {
  const auto held = std::find_if(
      slot->queue.begin(), slot->queue.end(), [&](const LeasedTest& leased) {
        return TestAt(*slot, leased.position) == test;
      });
  if (held != slot->queue.end()) slot->queue.erase(held);
  TestJudged judged = MakeJudged(*slot, test, verdict, micros);
  judged.attempt = unit->attempt;
  judged.reports = std::move(reports);
  if (IsBad(verdict) && unit->attempt <= plan_.retries &&
      phase_ == Phase::kRunning) {
    ++unit->attempt;
    unit->failed_before = true;
    ledger_.Return(slot->plan->platform, test);
    Say(TestTriedAgain{std::move(judged), "failed"});
    FeedAll();
    return;
  }
  judged.flaky = unit->failed_before && verdict == Verdict::kPassed;
  if (judged.flaky) ++flaky_;
  ledger_.Judge(slot->plan->platform, test, verdict);
  Say(std::move(judged));
  if (IsBad(verdict)) {
    ++failures_;
    CheckFailures();
  }
}

void RunMachine::OnLate(Slot* slot, const TestStep& step) {
  const TestIndex test = TestAt(*slot, step.position);
  if (!test.valid() || step.report.empty()) return;
  const PlatformId platform = slot->plan->platform;
  Unit* unit = ledger_.JudgedBy(platform, test, slot->worker);
  if (unit == nullptr) return;
  const Verdict before = unit->verdict;
  const Verdict after = IsBad(before) ? before : Verdict::kError;
  ledger_.Amend(platform, test, after);
  Say(VerdictAmended{test, platform, &tests_.id(test), slot->name(), before,
                     after, step.report[0]});
  if (before != after) {
    ++failures_;
    CheckFailures();
  }
}

void RunMachine::On(HostId, const TestsReturned& e) {
  Slot* slot = fleet_.Find(e.worker);
  if (slot == nullptr) return;
  for (const uint32_t position : e.positions) {
    const TestIndex test = TestAt(*slot, position);
    if (!test.valid()) continue;
    if (ledger_.HeldBy(slot->plan->platform, test, slot->worker) == nullptr) {
      continue;
    }
    const auto held = std::find_if(
        slot->queue.begin(), slot->queue.end(),
        [&](const LeasedTest& t) { return t.position == position; });
    if (held != slot->queue.end()) slot->queue.erase(held);
    ledger_.Return(slot->plan->platform, test);
  }
  FeedAll();
}

void RunMachine::GiveBack(Slot* slot) {
  for (const LeasedTest& leased : slot->queue) {
    const TestIndex test = TestAt(*slot, leased.position);
    if (ledger_.HeldBy(slot->plan->platform, test, slot->worker) != nullptr) {
      ledger_.Return(slot->plan->platform, test);
    }
  }
  slot->queue.clear();
}

void RunMachine::LoseRunningTest(Slot* slot) {
  for (const LeasedTest& leased : slot->queue) {
    if (!leased.started) continue;
    const TestIndex test = TestAt(*slot, leased.position);
    Unit* unit = ledger_.HeldBy(slot->plan->platform, test, slot->worker);
    if (unit == nullptr) continue;
    ++unit->losses;
    ++unit->attempt;
    if (unit->losses >= kLosses) {
      std::vector<PhaseReport> reports = {
          DescribeLosses(unit->losses, tests_.id(test))};
      Conclude(slot, test, unit, Verdict::kCrashed, std::move(reports), {});
    } else {
      Say(TestTriedAgain{MakeJudged(*slot, test, Verdict::kLost, {}),
                         "its host was lost"});
    }
    return;
  }
}

// ---- Stop rules -----------------------------------------------------------

void RunMachine::CheckFailures() {
  if (plan_.maxfail == 0 || failures_ < plan_.maxfail) return;
  if (stop_ != Stop::kNone) return;
  BeginStop(Stop::kFailures,
            absl::StrCat("stopping after ", failures_, " failures"));
}

}  // namespace dist
