#include "tests/support/run_driver.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/overload.h"

namespace dist {

RunPlan MakePlan(const std::string& mode, uint32_t hosts, uint32_t slots) {
  RunPlan plan;
  plan.mode = mode;
  plan.max_restarts = 100;
  const bool each = FindPolicy(mode)->spread == Spread::kEveryWorkerAll;
  if (!each) plan.platforms.push_back("");
  for (uint32_t h = 0; h < hosts; ++h) {
    plan.hosts.push_back({absl::StrCat("host", h)});
    for (uint32_t s = 0; s < slots; ++s) {
      PlannedWorker worker;
      worker.host = HostId(h);
      worker.setup.name = absl::StrCat("gw", plan.workers.size());
      worker.platform = PlatformId(each ? plan.workers.size() : 0);
      if (each) plan.platforms.push_back(worker.setup.name);
      plan.workers.push_back(std::move(worker));
    }
  }
  return plan;
}

PhaseReport Report(Verdict verdict, const std::string& nodeid) {
  PhaseReport report;
  report.nodeid = nodeid;
  report.verdict = verdict;
  return report;
}

RunDriver::RunDriver(RunPlan plan) : machine(plan) {
  for (const PlannedWorker& worker : plan.workers) {
    hosts_.push_back(worker.host.value());
    names_.push_back(worker.setup.name);
  }
  workers_.resize(plan.workers.size());
  host_count_ = plan.hosts.size();
  Obey(machine.Start(now_));
}

void RunDriver::Obey(Commands commands) {
  for (RunCommand& command : commands) {
    std::visit(
        Overload{[&](ConnectHost& c) { connects.push_back(c.host); },
                 [&](TellNode& c) {
                   if (const auto* s = std::get_if<StartWorker>(&c.command)) {
                     const auto at =
                         std::find(names_.begin(), names_.end(), s->setup.name);
                     workers_[at - names_.begin()] = s->worker;
                   }
                   told.push_back(std::move(c));
                 },
                 [&](Announce& c) { said.push_back(std::move(c.event)); },
                 [&](WakeAt& c) { wakes.push_back(c.at); },
                 [&](EndRun& c) { ends.push_back(c); }},
        command);
  }
}

void RunDriver::Tell(uint32_t host, NodeEvent event) {
  Obey(machine.OnNode(HostId(host), event, now_));
}

void RunDriver::Ready(uint32_t host, uint32_t cpus) {
  NodeReady ready;
  ready.cpus = cpus;
  Tell(host, ready);
}

void RunDriver::Lose(uint32_t host) {
  Obey(machine.OnHostLost(HostId(host), "lost", now_));
}

void RunDriver::Interrupt() { Obey(machine.OnInterrupt("interrupted", now_)); }

void RunDriver::Advance(absl::Duration by) {
  now_ += by;
  Obey(machine.Wake(now_));
}

void RunDriver::Collect(uint32_t slot, const std::vector<std::string>& ids) {
  CollectionReported reported;
  reported.worker = worker(slot);
  reported.hash = absl::StrJoin(ids, "\n");
  reported.count = static_cast<uint32_t>(ids.size());
  const size_t before = Told<ListCollection>().size();
  Tell(HostOf(slot), reported);
  if (Told<ListCollection>().size() > before) {
    Tell(HostOf(slot), CollectionListed{reported.hash, ids, {}});
  }
}

void RunDriver::Begin(uint32_t slot, uint32_t position) {
  TestStep started;
  started.position = position;
  Tell(HostOf(slot), TestsReported{worker(slot), {started}});
}

void RunDriver::Finish(uint32_t slot, uint32_t position, Verdict verdict) {
  TestsReported reported{worker(slot), {}};
  if (verdict != Verdict::kPassed) {
    TestStep phase;
    phase.kind = TestStep::Kind::kPhase;
    phase.position = position;
    phase.report.push_back(Report(verdict));
    reported.steps.push_back(phase);
  }
  TestStep done;
  done.kind = TestStep::Kind::kDone;
  done.position = position;
  done.micros.call = static_cast<uint32_t>(absl::ToInt64Microseconds(takes));
  reported.steps.push_back(done);
  Tell(HostOf(slot), reported);
}

void RunDriver::Run(uint32_t slot, uint32_t position, Verdict verdict) {
  Begin(slot, position);
  Finish(slot, position, verdict);
}

void RunDriver::Late(uint32_t slot, uint32_t position) {
  TestStep late;
  late.kind = TestStep::Kind::kLate;
  late.position = position;
  late.report.push_back(Report(Verdict::kError));
  Tell(HostOf(slot), TestsReported{worker(slot), {late}});
}

void RunDriver::Return(uint32_t slot, std::vector<uint32_t> positions) {
  Tell(HostOf(slot), TestsReturned{worker(slot), std::move(positions)});
}

void RunDriver::Exit(uint32_t slot, int status, bool stopped) {
  Tell(HostOf(slot), WorkerFinished{worker(slot), status, "", stopped});
}

void RunDriver::Refuse(uint32_t slot, Refusal why, int status) {
  Tell(HostOf(slot), WorkerRefused{worker(slot), why, status, "no"});
}

void RunDriver::DieEarly(uint32_t slot, DeathCause cause) {
  WorkerDied died;
  died.worker = worker(slot);
  died.cause = cause;
  died.how = "SIGSEGV";
  Tell(HostOf(slot), died);
}

void RunDriver::DieIdle(uint32_t slot, DeathCause cause) {
  WorkerDied died;
  died.worker = worker(slot);
  died.cause = cause;
  died.how = "SIGSEGV";
  died.collected = true;
  Tell(HostOf(slot), died);
}

void RunDriver::DieIn(uint32_t slot, uint32_t position, DeathCause cause) {
  WorkerDied died;
  died.worker = worker(slot);
  died.cause = cause;
  died.how = "SIGSEGV";
  died.collected = true;
  died.was_running = true;
  died.position = position;
  Tell(HostOf(slot), died);
}

void RunDriver::Close() {
  for (const FinishWorker& finish : Told<FinishWorker>()) {
    for (uint32_t host = 0; host < host_count_; ++host) {
      Tell(host, WorkerFinished{finish.worker, 0, "", false});
    }
  }
  if (Told<CloseNode>().empty()) return;
  for (uint32_t host = 0; host < host_count_; ++host) Lose(host);
}

std::vector<std::string> RunDriver::Verdicts() const {
  std::vector<std::string> verdicts;
  for (const TestJudged& judged : Said<TestJudged>()) {
    verdicts.push_back(absl::StrCat(*judged.id, "=", Word(judged.verdict)));
  }
  return verdicts;
}

int RunDriver::status() const {
  return ends.size() == 1 ? static_cast<int>(ends[0].status) : -1;
}

void RunDriver::Forget() {
  told.clear();
  said.clear();
  connects.clear();
  wakes.clear();
}

}  // namespace dist
