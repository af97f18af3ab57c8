#include "tests/sim/sim_checker.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/overload.h"

namespace dist {

void SimChecker::Fail(const std::string& what) {
  if (violation_.empty()) violation_ = what;
}

const std::string* SimChecker::IdAt(const Worker& worker,
                                    uint32_t position) const {
  const auto found = collections_.find(worker.hash);
  if (found == collections_.end() || position >= found->second.size()) {
    return nullptr;
  }
  return &found->second[position];
}

SimChecker::UnitKey SimChecker::KeyOf(const Worker& worker,
                                      const std::string& id) const {
  return {plan_.workers[worker.slot].platform.value(), id};
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
  evidence_.clear();
  if (std::holds_alternative<NodeReady>(event)) {
    hosts_[host.value()] = Link::kUp;
    return false;
  }
  if (const auto* listed = std::get_if<CollectionListed>(&event)) {
    AddList(*listed);
    for (const auto& [id, worker] : workers_) {
      if (!worker.over && worker.hash == listed->hash) any_collected_ = true;
    }
    return false;
  }
  const WorkerId id = SpeakerOf(event);
  Worker& worker = workers_[id.value()];
  if (worker.over) return true;
  Hear(&worker, event);
  return false;
}

void SimChecker::Hear(Worker* worker, const NodeEvent& event) {
  if (const auto* e = std::get_if<CollectionReported>(&event)) {
    worker->collected = true;
    worker->hash = e->hash;
  } else if (const auto* e = std::get_if<TestsReported>(&event)) {
    HearSteps(worker, *e);
  } else if (const auto* e = std::get_if<TestsReturned>(&event)) {
    for (const uint32_t position : e->positions) {
      Unhold(worker, position);
    }
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
    const std::string* id = IdAt(*worker, e->position);
    if (e->was_running && e->cause != DeathCause::kKilled && id != nullptr) {
      evidence_.insert(KeyOf(*worker, *id));
    }
    const bool torn = worker->finishing && e->collected && !stopped_;
    bad_session_ = bad_session_ || torn;
    HearEnd(worker, 0);
  }
}

void SimChecker::HearSteps(Worker* worker, const TestsReported& reported) {
  for (const TestStep& step : reported.steps) {
    const std::string* id = IdAt(*worker, step.position);
    if (id == nullptr) return Fail("the world reports an unknown position");
    if (!step.report.empty() && IsBad(step.report[0].verdict)) {
      worker->said_bad = true;
    }
    if (step.kind == TestStep::Kind::kStarted) SeeBegun(worker, *id);
    if (step.kind != TestStep::Kind::kDone) continue;
    ++done_;
    busy_ += step.micros.call;
    worker->running.clear();
    Unhold(worker, step.position);
  }
}

void SimChecker::HearEnd(Worker* worker, int session_status) {
  const bool odd = session_status == 1 && !worker->said_bad;
  if (!stopped_ && !internal_error_ && odd) bad_session_ = true;
  worker->over = true;
  while (!worker->leased.empty()) Unhold(worker, worker->leased.back());
}

void SimChecker::BeforeHostLost(HostId host) {
  evidence_.clear();
  hosts_[host.value()] = Link::kGone;
  for (auto& [id, worker] : workers_) {
    if (worker.over || plan_.workers[worker.slot].host != host) continue;
    if (!worker.running.empty()) {
      const UnitKey unit = KeyOf(worker, worker.running);
      if (++losses_[unit] >= 3) evidence_.insert(unit);
    }
    HearEnd(&worker, 0);
  }
  const bool any = std::any_of(hosts_.begin(), hosts_.end(),
                               [](Link link) { return link != Link::kGone; });
  const Ledger& ledger = machine_.ledger();
  if (!any && !stopped_ && !ledger.complete()) all_hosts_lost_ = true;
}

// ---- What the machine answers ---------------------------------------------

void SimChecker::AfterCall(const Commands& commands, bool stale, int64_t now) {
  now_ = now;
  if (stale && !commands.empty()) Fail("stale words have an effect");
  for (const RunCommand& command : commands) See(command);
  const Ledger& ledger = machine_.ledger();
  if (verdicts_.size() != ledger.judged()) Fail("a verdict was not told");
  if (ledger.judged() > ledger.units()) Fail("more verdicts than units");
  if (stop_due_ && !stopped_ && ends_ == 0) Fail("--maxfail does not stop");
  CheckMemory();
  CheckIdle(now);
}

void SimChecker::See(const RunCommand& command) {
  if (ends_ > 0) return Fail("a command after EndRun");
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
    if (link == Link::kGone) Fail("CloseNode to a host that is gone");
    return;
  }
  if (link != Link::kUp) return Fail("a command to a host that is not up");
  if (const auto* start = std::get_if<StartWorker>(&command)) {
    if (stopped_) Fail("a worker is started after a stop");
    Worker worker;
    while (plan_.workers[worker.slot].setup.name != start->setup.name) {
      ++worker.slot;
    }
    if (plan_.workers[worker.slot].host != host) Fail("started elsewhere");
    if (!workers_.emplace(start->worker.value(), worker).second) {
      Fail("a worker's number is used twice");
    }
  } else if (const auto* run = std::get_if<RunTests>(&command)) {
    SeeLease(host, *run);
  } else if (const auto* finish = std::get_if<FinishWorker>(&command)) {
    workers_[finish->worker.value()].finishing = true;
    finishing_ = true;
  }
}

void SimChecker::SeeLease(HostId host, const RunTests& run) {
  Worker& worker = workers_[run.worker.value()];
  if (stopped_) Fail("a lease after a stop");
  if (plan_.collect_only) Fail("a lease though only collecting");
  if (worker.over || worker.finishing || !worker.collected) {
    Fail("a lease to a worker that is not ready");
  }
  if (plan_.workers[worker.slot].host != host) Fail("a lease elsewhere");
  const bool alone = FindPolicy(plan_.mode)->together == Together::kNothing;
  if (alone && plan_.max_chunk > 0 && run.positions.size() > plan_.max_chunk) {
    Fail("a lease beyond --maxschedchunk");
  }
  for (const uint32_t position : run.positions) {
    const std::string* id = IdAt(worker, position);
    if (id == nullptr) return Fail("a lease of an unknown position");
    const UnitKey unit = KeyOf(worker, *id);
    if (!held_.insert(unit).second) Fail(*id + " is leased twice");
    if (verdicts_.count(unit) > 0) Fail(*id + " is leased after its verdict");
    if (losses_[unit] >= 3) Fail(*id + " is leased after three losses");
    worker.leased.push_back(position);
    worker.idle_since = -1;
    worker.leased_at = now_;
  }
  SeeBundles(worker, run);
  CheckDepth(worker, run);
}

// --maxfail counts whatever is bad and had a worker.
void SimChecker::SeeFailures() {
  ++failures_;
  if (plan_.maxfail > 0 && failures_ >= plan_.maxfail) stop_due_ = true;
}

void SimChecker::SeeAgain(const TestTriedAgain& again) {
  const UnitKey unit{again.attempt.platform.value(), *again.attempt.id};
  if (again.why != "failed") return;
  if (++retries_[unit] > plan_.retries) Fail(unit.second + " is retried again");
}

void SimChecker::SeeSaid(const RunEvent& event) {
  if (run_ended_ > 0) Fail("an event after RunEnded");
  if (const auto* e = std::get_if<CollectionGrew>(&event)) {
    const uint32_t slot = workers_[e->worker.value()].slot;
    collected_platforms_.insert(plan_.workers[slot].platform.value());
  }
  if (const auto* e = std::get_if<TestJudged>(&event)) {
    SeeJudged(*e);
  } else if (const auto* e = std::get_if<VerdictAmended>(&event)) {
    const UnitKey unit{e->platform.value(), *e->id};
    if (verdicts_.count(unit) == 0) return Fail("amended before its verdict");
    if (verdicts_[unit] != e->before) Fail("amended from another verdict");
    if (IsBad(e->before) && e->after != e->before) Fail("amended for nothing");
    verdicts_[unit] = e->after;
    if (!IsBad(e->before)) SeeFailures();
  } else if (const auto* e = std::get_if<TestTriedAgain>(&event)) {
    SeeAgain(*e);
  } else if (const auto* e = std::get_if<WorkerLost>(&event)) {
    if (!e->name.empty() && e->replaced && ++replaced_ > plan_.max_restarts) {
      Fail("more workers are replaced than allowed");
    }
  } else if (std::holds_alternative<CollectionsDiffer>(event)) {
    differ_ = true;
  } else if (std::holds_alternative<RunStopping>(event)) {
    if (stopped_) Fail("the stop is said twice");
    stopped_ = true;
    stopped_at_ = now_;
  } else if (const auto* e = std::get_if<CollectorFailed>(&event)) {
    collect_error_ = collect_error_ || e->report.verdict == Verdict::kError;
  } else if (const auto* e = std::get_if<RunEnded>(&event)) {
    ++run_ended_;
    unrun_ = e->unrun;
    size_t sum = 0;
    for (const size_t count : e->counts) sum += count;
    if (sum != verdicts_.size()) Fail("the last counts are wrong");
  }
}

bool SimChecker::AnyoneHas(const UnitKey& unit) const {
  return std::any_of(workers_.begin(), workers_.end(), [&](const auto& entry) {
    const Worker& worker = entry.second;
    if (worker.over || KeyOf(worker, unit.second) != unit) return false;
    const auto found = collections_.find(worker.hash);
    return found == collections_.end() ||
           std::count(found->second.begin(), found->second.end(), unit.second) >
               0;
  });
}

void SimChecker::SeeJudged(const TestJudged& judged) {
  const UnitKey unit{judged.platform.value(), *judged.id};
  if (!verdicts_.emplace(unit, judged.verdict).second) {
    Fail(*judged.id + " has two verdicts");
  }
  const bool died = judged.verdict == Verdict::kCrashed ||
                    judged.verdict == Verdict::kTimeout;
  const bool retried = judged.attempt > 0 && judged.worker.empty();
  if (IsBad(judged.verdict) && !judged.worker.empty()) SeeFailures();
  if (died && !retried && evidence_.count(unit) == 0) {
    Fail(*judged.id + " is blamed without evidence");
  }
  if (judged.verdict == Verdict::kLost && AnyoneHas(unit)) {
    Fail(*judged.id + " is lost though somebody has it");
  }
}

int SimChecker::ExpectedStatus() const {
  if (internal_error_) return 3;
  if (stopped_) return 2;
  bool lost = false;
  for (const auto& [unit, verdict] : verdicts_) {
    if (IsBad(verdict)) return 1;
    lost = lost || verdict == Verdict::kLost;
  }
  if (collect_error_ || bad_session_) return 1;
  if (differ_ && plan_.strict_collection) return 1;
  if (!any_collected_) return usage_ ? 4 : 11;
  if (lost || (plan_.mode == "each" &&
               collected_platforms_.size() < plan_.platforms.size())) {
    return 10;
  }
  return machine_.ledger().units() == 0 ? 5 : 0;
}

void SimChecker::SeeEnd(const EndRun& end) {
  ++ends_;
  status_ = static_cast<int>(end.status);
  if (run_ended_ != 1) Fail("EndRun without RunEnded");
  for (const Link link : hosts_) {
    if (link != Link::kGone) Fail("EndRun with a host open");
  }
  if (status_ != ExpectedStatus()) {
    Fail(absl::StrCat("exit status ", status_, ", not ", ExpectedStatus()));
  }
  // Asked, interrupted, killed, given up, a second each; then hosts close.
  if (stopped_ && now_ - stopped_at_ > 40000000)
    Fail("the stop takes too long");
  const Ledger& ledger = machine_.ledger();
  if (plan_.collect_only) return;
  if (unrun_ != ledger.units() - verdicts_.size()) Fail("unrun is wrong");
  if (!stopped_ && unrun_ > 0) Fail("a test has no verdict");
}

void SimChecker::AtEnd() {
  if (ends_ != 1) Fail("the run does not end");
}

}  // namespace dist
