// The nodes of the simulated world: workers that collect, run and die.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/sim/sim_state.h"

namespace dist {
namespace sim {

CollectionListed SimWorld::ListOf(uint32_t host,
                                  const std::string& hash) const {
  CollectionListed listed{hash, {}, {}};
  const auto found = hosts_[host].lists.find(hash);
  if (found == hosts_[host].lists.end()) return listed;
  for (const uint32_t test : found->second) {
    const auto position = static_cast<uint32_t>(listed.ids.size());
    const std::string& group = scenario_.groups[test];
    if (!group.empty()) listed.groups.emplace_back(position, group);
    listed.ids.push_back(scenario_.ids[test]);
  }
  return listed;
}

// ---- The node's side ------------------------------------------------------

void SimWorld::Begin(uint32_t host, const StartWorker& start) {
  const uint32_t id = start.worker.value();
  SimWorker& worker = hosts_[host].workers[id];
  while (plan_.workers[worker.slot].setup.name != start.setup.name) {
    ++worker.slot;
  }
  worker.undead = random_.Percent(5);
  if (scenario_.refuses || (Trouble() && random_.Percent(20))) {
    hosts_[host].workers.erase(id);
    const auto why = scenario_.refuses ? Refusal::kUsage
                                       : static_cast<Refusal>(random_.Below(4));
    return Send(host, WorkerRefused{start.worker, why, 4, "no"});
  }
  WorkerConfigured configured;
  configured.worker = start.worker;
  Send(host, configured);
  const auto delay = static_cast<int64_t>(random_.Below(500)) * kMs;
  Later(host, id, delay, [=](SimWorker& w) { Collect(host, id, w); });
}

void SimWorld::Collect(uint32_t host, uint32_t id, SimWorker& worker) {
  if (Trouble()) return Die(host, id, DeathCause::kDied);
  if (Trouble() && random_.Percent(20)) {
    Send(host, InternalErrorRaised{WorkerId(id), "oops"});
    return Exit(host, id, 3, false);
  }
  if (Trouble()) {
    PhaseReport report;
    report.nodeid = "broken.py";
    report.verdict = random_.Percent(50) ? Verdict::kError : Verdict::kSkipped;
    if (report.verdict == Verdict::kError) worker.said_bad = true;
    Send(host, CollectorReported{WorkerId(id), report});
  }
  for (uint32_t i = 0; i < scenario_.ids.size(); ++i) {
    if (scenario_.differ && (i + host) % 5 == 0) continue;
    worker.tests.push_back(i);
  }
  const PlannedWorker& plan = plan_.workers[worker.slot];
  if (plan.kin == 1) std::reverse(worker.tests.begin(), worker.tests.end());
  if (scenario_.differ && random_.Percent(10) && !worker.tests.empty()) {
    worker.tests.pop_back();
  }
  worker.collected = true;
  CollectionReported reported;
  reported.worker = WorkerId(id);
  uint64_t hash = 0;
  for (const uint32_t test : worker.tests)
    hash = hash * 0x100000001b3 + test + 1;
  reported.hash = absl::StrCat(hash);
  hosts_[host].lists[reported.hash] = worker.tests;
  // As with real nodes, some lists come with the report.
  reported.list_follows = (host + id) % 2 == 0;
  Send(host, reported);
  if (reported.list_follows) Send(host, ListOf(host, reported.hash));
  if (Trouble()) return Die(host, id, DeathCause::kDied);
  Step(host, id);
}

void SimWorld::GiveBack(uint32_t host, const ReturnTests& back) {
  SimWorker* worker = Find(host, hosts_[host].link, back.worker.value());
  if (worker == nullptr) return;
  TestsReturned returned{back.worker, {}};
  ++result_.counts.steals;
  for (const uint32_t position : back.positions) {
    const auto first = worker->queue.begin() + (worker->running ? 1 : 0);
    const auto found = std::find_if(
        first, worker->queue.end(),
        [&](const auto& leased) { return leased.first == position; });
    if (found == worker->queue.end()) continue;
    returned.positions.push_back(position);
    worker->queue.erase(found);
  }
  if (returned.positions.size() < back.positions.size()) {
    ++result_.counts.steal_races;
  }
  Flush(host, back.worker.value(), *worker);
  Send(host, std::move(returned));
}

void SimWorld::Step(uint32_t host, uint32_t id) {
  SimWorker* worker = Find(host, hosts_[host].link, id);
  if (worker == nullptr || !worker->collected || worker->running) return;
  if (worker->waits && !worker->finish) return Flush(host, id, *worker);
  if (!worker->queue.empty()) return RunFront(host, id, *worker);
  Flush(host, id, *worker);
  if (worker->finish) {
    if (Trouble()) return Die(host, id, DeathCause::kDied);
    const bool odd = Trouble();
    return Exit(host, id, worker->said_bad || odd ? 1 : 0, false);
  }
  if (Trouble()) Die(host, id, DeathCause::kDied);
}

void SimWorld::RunFront(uint32_t host, uint32_t id, SimWorker& worker) {
  worker.running = true;
  TestStep started;
  started.position = worker.queue.front().first;
  worker.steps.push_back(started);
  const uint32_t test = worker.tests[started.position];
  const Fate fate = FateOf(test);
  if (fate == Fate::kHang) {
    hung_ = true;
    return Flush(host, id, worker);
  }
  // Who was idle says at once what it begins with.
  const bool later = random_.Percent(50) && scenario_.dawdles;
  if (!later || worker.steps.size() == 1) Flush(host, id, worker);
  if (result_.first_begin < 0) result_.first_begin = now_;
  const int64_t time = scenario_.times[test] * (scenario_.slow[host] ? 10 : 1);
  Later(host, id, time, [=](SimWorker& w) { EndFront(host, id, w); });
}

void SimWorld::EndFront(uint32_t host, uint32_t id, SimWorker& worker) {
  result_.last_end = now_;
  const uint32_t test = worker.tests[worker.queue.front().first];
  Fate fate = FateOf(test);
  if (fate == Fate::kFlaky) {
    fate = ++tries_[test] == 1 ? Fate::kFail : Fate::kPass;
  }
  switch (fate) {
    case Fate::kCrash:
      return Die(host, id, DeathCause::kDied);
    case Fate::kTimeout:
      return Die(host, id, DeathCause::kTimeout);
    case Fate::kKillHost:
      checker_.BeforeKill(worker.slot, scenario_.ids[test]);
      if (std::count_if(hosts_.begin(), hosts_.end(),
                        [](const SimHost& h) { return h.up; }) == 1) {
        ++result_.counts.poison_on_last_host;
      }
      return LoseHost(host);
    case Fate::kExit:
      return Exit(host, id, 7, true);
    default:
      Pass(host, id, worker,
           fate == Fate::kFail ? Verdict::kFailed : Verdict::kPassed);
  }
  if (fate == Fate::kLate && !worker.steps.empty()) {
    TestStep late;
    late.kind = TestStep::Kind::kLate;
    late.position = worker.steps.back().position;
    late.report.resize(1);
    late.report[0].verdict = Verdict::kError;
    worker.said_bad = true;
    worker.steps.push_back(late);
  }
  if (random_.Percent(30)) Flush(host, id, worker);
  if (Trouble() && random_.Percent(20)) {
    return Die(host, id, DeathCause::kDied);
  }
  Step(host, id);
}

void SimWorld::Pass(uint32_t, uint32_t, SimWorker& worker, Verdict verdict) {
  const auto [position, lease] = worker.queue.front();
  worker.queue.pop_front();
  worker.running = false;
  TestStep step;
  step.position = position;
  if (verdict != Verdict::kPassed) {
    step.kind = TestStep::Kind::kPhase;
    step.report.resize(1);
    step.report[0].verdict = verdict;
    worker.said_bad = true;
    worker.steps.push_back(step);
    step.report.clear();
    worker.waits = worker.asks;
  }
  step.kind = TestStep::Kind::kDone;
  step.lease = lease;
  step.micros.call =
      static_cast<uint32_t>(scenario_.times[worker.tests[position]]);
  worker.steps.push_back(step);
}

void SimWorld::Flush(uint32_t host, uint32_t id, SimWorker& worker) {
  if (worker.steps.empty()) return;
  Send(host, TestsReported{WorkerId(id), std::exchange(worker.steps, {})});
}

void SimWorld::Die(uint32_t host, uint32_t id, DeathCause cause) {
  SimWorker& worker = hosts_[host].workers[id];
  Flush(host, id, worker);
  ++result_.counts.crashes;
  WorkerDied died;
  died.worker = WorkerId(id);
  died.cause = cause;
  died.how = "SIGSEGV";
  died.collected = worker.collected;
  died.was_running = worker.running;
  if (worker.running) died.position = worker.queue.front().first;
  hosts_[host].workers.erase(id);
  Send(host, died);
}

void SimWorld::Exit(uint32_t host, uint32_t id, int status, bool stopped) {
  Flush(host, id, hosts_[host].workers[id]);
  hosts_[host].workers.erase(id);
  Send(host, WorkerFinished{WorkerId(id), status, "", stopped});
}

}  // namespace sim
}  // namespace dist
