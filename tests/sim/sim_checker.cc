#include "tests/sim/sim_checker.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/overload.h"

namespace dist {

void SimChecker::Fail(const char* rule, const std::string& what) {
  if (violation_.empty()) violation_ = absl::StrCat(rule, ": ", what);
}

SimChecker::SimChecker(const RunPlan& plan, const RunMachine& machine,
                       int64_t round_trip)
    : plan_(plan),
      entry_(*FindPolicy(plan.mode)),
      machine_(machine),
      round_trip_(round_trip),
      hosts_(plan.hosts.size()),
      units_(plan.platforms.size()),
      bundle_units_(plan.platforms.size()),
      paces_(plan.workers.size()),
      counts_(kVerdictCount),
      grown_(plan.platforms.size()) {
  for (size_t s = 0; s < paces_.size(); ++s) {
    paces_[s].start = plan_.hosts[plan_.workers[s].host.value()].pace;
  }
}

uint32_t SimChecker::Number(
    absl::string_view name,
    absl::flat_hash_map<std::string, uint32_t>* numbers) {
  return numbers->try_emplace(name, numbers->size()).first->second;
}

uint32_t SimChecker::TestAt(const Worker& worker, uint32_t position) const {
  const bool known = worker.list != nullptr && worker.list->listed &&
                     position < worker.list->tests.size();
  return known ? worker.list->tests[position] : kNone;
}

// The machine's numbers are another way to write ids, and shorter.
uint32_t SimChecker::TestOf(TestIndex test) {
  while (test_of_.size() <= test.value()) {
    const TestIndex next(static_cast<uint32_t>(test_of_.size()));
    const auto found = tests_.find(machine_.tests().id(next));
    test_of_.push_back(found == tests_.end() ? kNone : found->second);
  }
  return test_of_[test.value()];
}

SimChecker::Unit& SimChecker::At(std::vector<std::vector<Unit>>* units,
                                 uint32_t platform, uint32_t number) {
  std::vector<Unit>& row = (*units)[platform];
  if (row.size() <= number) row.resize(number + 1);
  return row[number];
}

SimChecker::Unit& SimChecker::UnitOf(uint32_t platform, uint32_t test) {
  return At(&units_, platform, test);
}

SimChecker::Unit& SimChecker::BundleOf(uint32_t platform, uint32_t bundle) {
  return At(&bundle_units_, platform, bundle);
}

int SimChecker::phase() const {
  if (stopped_) return 2;
  if (finishing_) return 3;
  return any_collected_ ? 1 : 0;
}

// ---- What the machine hears -----------------------------------------------

WorkerId SimChecker::SpeakerOf(const NodeEvent& event) {
  return std::visit(
      [](const auto& e) {
        using E = std::decay_t<decltype(e)>;
        if constexpr (std::is_same_v<E, NodeReady> ||
                      std::is_same_v<E, CollectionListed> ||
                      std::is_same_v<E, SyncSaid> ||
                      std::is_same_v<E, FetchSaid> ||
                      std::is_same_v<E, FetchEnded> ||
                      std::is_same_v<E, HostProbed>) {
          return WorkerId();
        } else {
          return e.worker;
        }
      },
      event);
}

bool SimChecker::BeforeEvent(HostId host, const NodeEvent& event) {
  ++event_;
  if (std::holds_alternative<NodeReady>(event)) {
    hosts_[host.value()] = Link::kUp;
    return false;
  }
  if (const auto* listed = std::get_if<CollectionListed>(&event)) {
    AddList(*listed);
    const List* list = &lists_[listed->hash];
    for (const Worker& worker : workers_) {
      if (!worker.over && worker.list == list) any_collected_ = true;
    }
    return false;
  }
  const WorkerId id = SpeakerOf(event);
  if (workers_.size() <= id.value()) workers_.resize(id.value() + 1);
  Worker& worker = workers_[id.value()];
  if (worker.over) return true;
  Hear(&worker, event);
  return false;
}

void SimChecker::Hear(Worker* worker, const NodeEvent& event) {
  if (const auto* e = std::get_if<CollectionReported>(&event)) {
    worker->collected = true;
    worker->list = &lists_[e->hash];
  } else if (const auto* e = std::get_if<TestsReported>(&event)) {
    HearSteps(worker, *e);
    reporter_ = e->worker.value();
  } else if (const auto* e = std::get_if<TestsReturned>(&event)) {
    for (const uint32_t position : e->positions) {
      Unhold(worker, position);
    }
    // It had begun: the next one is to be asked for.
    if (e->positions.empty()) asked_in_vain_ = e->worker.value();
  } else if (const auto* e = std::get_if<InternalErrorRaised>(&event)) {
    internal_error_ = !e->text.empty() || internal_error_;
  } else if (const auto* e = std::get_if<CollectorReported>(&event)) {
    if (e->report.verdict != Verdict::kSkipped) {
      collect_error_ = worker->said_bad = true;
    }
  } else if (const auto* e = std::get_if<WorkerRefused>(&event)) {
    usage_ = usage_ || e->why == Refusal::kUsage;
    HearEnd(worker, 0);
  } else if (const auto* e = std::get_if<WorkerFinished>(&event)) {
    HearEnd(worker, e->status);
  } else if (const auto* e = std::get_if<WorkerDied>(&event)) {
    const uint32_t test = TestAt(*worker, e->position);
    if (e->was_running && e->cause != DeathCause::kKilled && test != kNone) {
      Unit& unit = UnitOf(worker->platform, test);
      unit.died = unit.ended = event_;
    }
    const bool torn = worker->finishing && e->collected && !stopped_;
    bad_session_ = bad_session_ || torn;
    HearEnd(worker, 0);
  }
}

void SimChecker::HearSteps(Worker* worker, const TestsReported& reported) {
  for (const TestStep& step : reported.steps) {
    const uint32_t test = TestAt(*worker, step.position);
    if (test == kNone) return Fail("world", "reports an unknown position");
    if (!step.report.empty() && IsBad(step.report[0].verdict)) {
      worker->said_bad = true;
    }
    if (step.kind == TestStep::Kind::kStarted) SeeBegun(worker, test);
    if (step.kind != TestStep::Kind::kDone) continue;
    ++done_;
    busy_ += step.micros.call;
    worker->running = kNone;
    if (plan_.estimates.known()) {
      const double took = step.micros.call / 1e6;
      const double expected = ExpectedAt(*worker, step.position);
      paces_[worker->slot].Add(took, expected);
      pace_.Add(took, expected);
    }
    if (Unhold(worker, step.position)) {
      UnitOf(worker->platform, test).ended = event_;
    }
  }
}

void SimChecker::HearEnd(Worker* worker, int session_status) {
  const bool odd = session_status == 1 && !worker->said_bad;
  if (!stopped_ && !internal_error_ && odd) bad_session_ = true;
  worker->over = true;
  while (!worker->leased.empty()) Unhold(worker, worker->leased.back());
}

// What counts as lost with the node: what was said to run, else what was next.
void SimChecker::LoseTest(Worker* worker) {
  const bool said = worker->running != kNone;
  if (!said && worker->leased.empty()) return;
  const bool alone = worker->leased.size() == 1;
  const uint32_t test =
      said ? worker->running : TestAt(*worker, worker->leased.front());
  Unit& unit = UnitOf(worker->platform, test);
  if (said || alone) ++unit.sure;
  if (++unit.losses >= 3) unit.died = unit.ended = event_;
}

void SimChecker::BeforeHostLost(HostId host) {
  ++event_;
  hosts_[host.value()] = Link::kGone;
  for (Worker& worker : workers_) {
    if (!worker.known || worker.over) continue;
    if (plan_.workers[worker.slot].host != host) continue;
    LoseTest(&worker);
    HearEnd(&worker, 0);
  }
  const bool any = std::any_of(hosts_.begin(), hosts_.end(),
                               [](Link link) { return link != Link::kGone; });
  const Ledger& ledger = machine_.ledger();
  if (!any && !stopped_ && !ledger.complete()) all_hosts_lost_ = true;
}

void SimChecker::BeforeKill(uint32_t slot, const std::string& id) {
  const uint32_t test = Number(id, &tests_);
  Unit& unit = UnitOf(plan_.workers[slot].platform.value(), test);
  // Once in company, unless that was of many, then alone.
  if (++unit.kills > 4) Fail("I5", id + " takes too many nodes down");
}

// ---- What the machine answers ---------------------------------------------

void SimChecker::AfterCall(const Commands& commands, bool stale, int64_t now) {
  now_ = now;
  const uint32_t vain = std::exchange(asked_in_vain_, kNone);
  if (vain != kNone) workers_[vain].leased_at = now;
  const uint32_t reporter = std::exchange(reporter_, kNone);
  if (reporter != kNone) workers_[reporter].reported_at = now;
  if (stale && !commands.empty()) Fail("I7", "stale words have an effect");
  unseen_tests_ = 0;
  unseen_time_ = 0;
  for (const RunCommand& command : commands) Foresee(command);
  for (const RunCommand& command : commands) See(command);
  const Ledger& ledger = machine_.ledger();
  if (judged_ != ledger.judged()) Fail("I1", "a verdict was not told");
  if (ledger.judged() > ledger.units()) Fail("I1", "more verdicts than units");
  if (stop_due_ && !stopped_ && ends_ == 0) {
    Fail("I10", "--maxfail does not stop");
  }
  CheckMemory();
  CheckIdle(now);
}

// The ledger knows of all leases at once, the rules of one after the other.
void SimChecker::Foresee(const RunCommand& command) {
  const auto* tell = std::get_if<TellNode>(&command);
  const auto* run =
      tell == nullptr ? nullptr : std::get_if<RunTests>(&tell->command);
  if (run == nullptr) return;
  const Worker& worker = workers_[run->worker.value()];
  for (const uint32_t position : run->positions) {
    ++unseen_tests_;
    if (TestAt(worker, position) != kNone) {
      unseen_time_ += ExpectedAt(worker, position);
    }
  }
}

void SimChecker::See(const RunCommand& command) {
  if (ends_ > 0) return Fail("I9", "a command after EndRun");
  std::visit(
      Overload{[&](const ConnectHost& c) {
                 hosts_[c.host.value()] = Link::kConnecting;
               },
               [&](const TellNode& c) { SeeTold(c.host, c.command); },
               [&](const Announce& c) { SeeSaid(c.event); },
               [&](const WakeAt&) {}, [&](const EndRun& c) { SeeEnd(c); }},
      command);
}

void SimChecker::SeeTold(HostId host, const NodeCommand& command) {
  const Link link = hosts_[host.value()];
  if (std::holds_alternative<CloseNode>(command)) {
    if (link == Link::kGone) Fail("I7", "CloseNode to a host that is gone");
    return;
  }
  if (link != Link::kUp) return Fail("I7", "a command to a host that is down");
  if (const auto* start = std::get_if<StartWorker>(&command)) {
    SeeStart(host, *start);
  } else if (const auto* run = std::get_if<RunTests>(&command)) {
    SeeLease(host, *run);
  } else if (const auto* finish = std::get_if<FinishWorker>(&command)) {
    workers_[finish->worker.value()].finishing = true;
    finishing_ = true;
  }
}

void SimChecker::SeeStart(HostId host, const StartWorker& start) {
  if (stopped_) Fail("I10", "a worker is started after a stop");
  const uint32_t id = start.worker.value();
  if (workers_.size() <= id) workers_.resize(id + 1);
  Worker& worker = workers_[id];
  if (worker.known) return Fail("I7", "a worker's number is used twice");
  worker.known = true;
  while (plan_.workers[worker.slot].setup.name != start.setup.name) {
    ++worker.slot;
  }
  const PlannedWorker& plan = plan_.workers[worker.slot];
  worker.platform = plan.platform.value();
  if (plan.host != host) Fail("I7", "a worker is started elsewhere");
}

void SimChecker::SeeLease(HostId host, const RunTests& run) {
  Worker& worker = workers_[run.worker.value()];
  if (stopped_) Fail("I10", "a lease after a stop");
  if (plan_.collect_only) Fail("I10", "a lease though only collecting");
  if (worker.over || worker.finishing || !worker.collected) {
    Fail("I7", "a lease to a worker that is not ready");
  }
  if (plan_.workers[worker.slot].host != host) Fail("I7", "a lease elsewhere");
  if (run.positions.empty()) return;  // It may go on, that is all.
  CheckShare(worker, run);
  for (const uint32_t position : run.positions) {
    const uint32_t test = TestAt(worker, position);
    if (test == kNone) return Fail("I12", "a lease of an unknown position");
    Unit& unit = UnitOf(worker.platform, test);
    if (unit.held) Fail("I6", "a test is leased twice");
    if (unit.judged) Fail("I2", "a test is leased after its verdict");
    if (unit.losses >= 3) Fail("I5", "a test is leased after three losses");
    unit.held = true;
    worker.leased.push_back(position);
    worker.idle_since = -1;
    worker.leased_at = now_;
  }
  SeeBundles(worker, run);
  CheckAhead(worker, run);
}

// --maxfail counts whatever is bad and had a worker.
void SimChecker::SeeFailures() {
  ++failures_;
  if (plan_.maxfail > 0 && failures_ >= plan_.maxfail) stop_due_ = true;
}

// What was running when the stop began may fail as well, but nothing after it.
void SimChecker::SeeLateFailure(const TestJudged& judged) {
  for (Worker& worker : workers_) {
    if (!worker.known || worker.slot >= plan_.workers.size()) continue;
    if (plan_.workers[worker.slot].setup.name != judged.worker) continue;
    if (std::exchange(worker.failed_late, true)) {
      Fail("I10", "a worker goes on failing after the stop");
    }
    return;
  }
}

void SimChecker::SeeAgain(const TestTriedAgain& again) {
  const TestJudged& attempt = again.attempt;
  Unit& unit = UnitOf(attempt.platform.value(), TestOf(attempt.test));
  if (attempt.attempt != 1 + unit.again++) Fail("I2", "the attempt is another");
  if (again.why != "failed") return;
  if (unit.ended != event_) Fail("I2", "a try ends that nobody ended");
  if (++unit.retries > plan_.retries) Fail("I5", "a test is retried again");
}

void SimChecker::SeeAmended(const VerdictAmended& amended) {
  Unit& unit = UnitOf(amended.platform.value(), TestOf(amended.test));
  if (!unit.judged) return Fail("I2", "amended before its verdict");
  if (unit.verdict != amended.before)
    Fail("I2", "amended from another verdict");
  const bool bad = IsBad(amended.before);
  if (bad && amended.after != amended.before) Fail("I2", "amended for nothing");
  --counts_[static_cast<size_t>(unit.verdict)];
  unit.verdict = amended.after;
  ++counts_[static_cast<size_t>(unit.verdict)];
  if (!bad) SeeFailures();
}

void SimChecker::SeeGrown(const CollectionGrew& grew) {
  const Worker& worker = workers_[grew.worker.value()];
  std::vector<const List*>& lists = grown_[worker.platform];
  if (std::find(lists.begin(), lists.end(), worker.list) == lists.end()) {
    lists.push_back(worker.list);
  }
}

void SimChecker::SeeSaid(const RunEvent& event) {
  if (run_ended_ > 0) Fail("I9", "an event after RunEnded");
  if (const auto* e = std::get_if<CollectionGrew>(&event)) {
    SeeGrown(*e);
  } else if (const auto* e = std::get_if<TestJudged>(&event)) {
    SeeJudged(*e);
  } else if (const auto* e = std::get_if<VerdictAmended>(&event)) {
    SeeAmended(*e);
  } else if (const auto* e = std::get_if<TestTriedAgain>(&event)) {
    SeeAgain(*e);
  } else if (const auto* e = std::get_if<WorkerLost>(&event)) {
    if (!e->name.empty() && e->replaced && ++replaced_ > plan_.max_restarts) {
      Fail("I5", "more workers are replaced than allowed");
    }
  } else if (std::holds_alternative<CollectionsDiffer>(event)) {
    differ_ = true;
  } else if (std::holds_alternative<RunStopping>(event)) {
    if (stopped_) Fail("I10", "the stop is said twice");
    stopped_ = true;
    stopped_at_ = now_;
  } else if (const auto* e = std::get_if<CollectorFailed>(&event)) {
    collect_error_ = collect_error_ || e->report.verdict == Verdict::kError;
  } else if (const auto* e = std::get_if<RunEnded>(&event)) {
    ++run_ended_;
    unrun_ = e->unrun;
    if (!std::equal(counts_.begin(), counts_.end(), e->counts.begin())) {
      Fail("I13", "the last counts are wrong");
    }
  }
}

bool SimChecker::AnyoneHas(uint32_t platform, uint32_t test) const {
  return std::any_of(
      workers_.begin(), workers_.end(), [&](const Worker& worker) {
        if (!worker.known || worker.over || worker.platform != platform) {
          return false;
        }
        const List* list = worker.list;
        return list == nullptr || !list->listed ||
               (test < list->has.size() && list->has[test]);
      });
}

void SimChecker::SeeJudged(const TestJudged& judged) {
  const uint32_t platform = judged.platform.value();
  const uint32_t test = TestOf(judged.test);
  if (test == kNone) return Fail("I12", "a verdict on an unknown test");
  Unit& unit = UnitOf(platform, test);
  if (unit.judged) return Fail("I1", *judged.id + " has two verdicts");
  unit.judged = true;
  unit.verdict = judged.verdict;
  ++judged_;
  ++counts_[static_cast<size_t>(judged.verdict)];
  // Nobody ran its last try, which was given up: the verdict is of one before.
  const bool given_up = judged.worker.empty();
  const uint32_t attempt = 1 + unit.again;
  if (judged.attempt != attempt &&
      !(given_up && judged.attempt == attempt - 1)) {
    Fail("I2", *judged.id + ": the attempt is another");
  }
  const bool died = judged.verdict == Verdict::kCrashed ||
                    judged.verdict == Verdict::kTimeout;
  if (IsBad(judged.verdict) && !given_up) {
    if (stop_due_) SeeLateFailure(judged);
    SeeFailures();
  }
  if (died && !given_up && unit.died != event_) {
    Fail("I3", *judged.id + " is blamed without evidence");
  }
  if (!given_up && unit.ended != event_) {
    Fail("I2", *judged.id + " gets a verdict that nobody told");
  }
  if (died && !given_up && unit.losses >= 3 && unit.sure < 2) {
    Fail("I4", *judged.id + " is blamed for what another may have done");
  }
  if (judged.verdict == Verdict::kLost && AnyoneHas(platform, test)) {
    Fail("I12", *judged.id + " is lost though somebody has it");
  }
}

int SimChecker::ExpectedStatus() const {
  if (internal_error_) return 3;
  if (stopped_) return 2;
  for (const Verdict verdict : kAllVerdicts) {
    if (IsBad(verdict) && counts_[static_cast<size_t>(verdict)] > 0) return 1;
  }
  if (collect_error_ || bad_session_) return 1;
  if (differ_ && plan_.strict_collection) return 1;
  if (!any_collected_) return usage_ ? 4 : 11;
  const bool silent =
      std::any_of(grown_.begin(), grown_.end(),
                  [](const auto& lists) { return lists.empty(); });
  const bool lost = counts_[static_cast<size_t>(Verdict::kLost)] > 0;
  if (lost || (silent && entry_.spread == Spread::kEveryWorkerAll)) return 10;
  return machine_.ledger().units() == 0 ? 5 : 0;
}

// What was collected while tests were added, and selected, has a verdict.
void SimChecker::CheckListed() {
  for (uint32_t p = 0; p < grown_.size(); ++p) {
    for (const List* list : grown_[p]) {
      for (const uint32_t test : list->tests) {
        if (!list->has[test] || UnitOf(p, test).judged) continue;
        return Fail("I12", "a test that was collected has no verdict");
      }
    }
  }
}

void SimChecker::SeeEnd(const EndRun& end) {
  ++ends_;
  status_ = static_cast<int>(end.status);
  if (run_ended_ != 1) Fail("I9", "EndRun without RunEnded");
  for (const Link link : hosts_) {
    if (link != Link::kGone) Fail("I9", "EndRun with a host open");
  }
  if (status_ != ExpectedStatus()) {
    Fail("I13",
         absl::StrCat("exit status ", status_, ", not ", ExpectedStatus()));
  }
  // Asked, interrupted, killed, given up, a second each; then hosts close.
  if (stopped_ && now_ - stopped_at_ > 40000000) {
    Fail("I10", "the stop takes too long");
  }
  const Ledger& ledger = machine_.ledger();
  if (plan_.collect_only) return;
  if (unrun_ != ledger.units() - judged_) Fail("I13", "unrun is wrong");
  if (stopped_) return;
  if (unrun_ > 0) Fail("I1", "a test has no verdict");
  CheckListed();
}

void SimChecker::AtEnd() {
  if (ends_ != 1) Fail("I9", "the run does not end");
}

}  // namespace dist
