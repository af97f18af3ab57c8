#include "core/run/forecast.h"

#include <algorithm>
#include <deque>
#include <map>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "core/base/overload.h"
#include "core/run/run_machine.h"

namespace dist {
namespace {

constexpr size_t kFirstTests = 3;
constexpr uint32_t kManyCpus = 1u << 20;  // All workers start at once.

class Simulation {
 public:
  Simulation(RunPlan plan, absl::Span<const CollectionListed> lists,
             const DurationOf& duration_of)
      : plan_(Tame(std::move(plan))),
        lists_(lists),
        duration_of_(duration_of),
        machine_(plan_) {
    for (const PlannedWorker& worker : plan_.workers) {
      ForecastWorker& row = forecast_.workers.emplace_back();
      row.name = worker.setup.name;
      row.host = plan_.hosts[worker.host.value()].name;
      by_name_.emplace(row.name, forecast_.workers.size() - 1);
    }
  }

  Forecast Run() {
    Take(machine_.Start(now_));
    Obey();
    while (!machine_.ended() && !ends_.empty()) {
      const auto first = ends_.begin();
      if (wake_ <= first->first) {
        now_ = std::exchange(wake_, absl::InfiniteFuture());
        Take(machine_.Wake(now_));
        Obey();
        continue;
      }
      now_ = first->first;
      const WorkerId worker = first->second;
      ends_.erase(first);
      EndTest(worker, &workers_[worker]);
      Obey();
    }
    forecast_.makespan = last_end_ - absl::UnixEpoch();
    return std::move(forecast_);
  }

 private:
  struct Worker {
    size_t slot = 0;
    std::deque<std::pair<uint32_t, uint32_t>> queue;  // Position, lease.
    bool running = false;                             // The front of the queue.
    bool finish = false;
    absl::Duration takes;  // The running one.
  };

  // Nothing goes wrong in a forecast.
  static RunPlan Tame(RunPlan plan) {
    plan.collect_only = false;
    plan.maxfail = 0;
    return plan;
  }

  const PlannedWorker& PlanOf(const Worker& worker) const {
    return plan_.workers[worker.slot];
  }
  const std::string& IdAt(const Worker& worker, uint32_t position) const {
    return lists_[PlanOf(worker).platform.value()].ids[position];
  }

  void Take(Commands commands) {
    for (RunCommand& command : commands) pending_.push_back(std::move(command));
  }
  void Say(HostId host, const NodeEvent& event) {
    Take(machine_.OnNode(host, event, now_));
  }

  // One after the other: what follows from a command comes after it.
  void Obey() {
    while (!pending_.empty()) {
      const RunCommand command = std::move(pending_.front());
      pending_.pop_front();
      if (const auto* connect = std::get_if<ConnectHost>(&command)) {
        NodeReady ready;
        ready.cpus = kManyCpus;
        Say(connect->host, ready);
      } else if (const auto* tell = std::get_if<TellNode>(&command)) {
        std::visit([&](const auto& c) { On(tell->host, c); }, tell->command);
      } else if (const auto* wake = std::get_if<WakeAt>(&command)) {
        wake_ = wake->at;
      }
    }
  }

  void On(HostId host, const StartWorker& c) {
    Worker& worker = workers_[c.worker];
    worker.slot = by_name_.at(c.setup.name);
    const size_t platform = PlanOf(worker).platform.value();
    CollectionReported reported;
    reported.worker = c.worker;
    reported.hash = absl::StrCat(platform);
    reported.count = static_cast<uint32_t>(lists_[platform].ids.size());
    Say(host, reported);
  }

  void On(HostId host, const ListCollection& c) {
    for (size_t i = 0; i < lists_.size(); ++i) {
      if (c.hash != absl::StrCat(i)) continue;
      Say(host, CollectionListed{c.hash, lists_[i].ids, lists_[i].groups});
    }
  }

  void On(HostId host, const RunTests& c) {
    Worker& worker = workers_[c.worker];
    for (const uint32_t position : c.positions) {
      worker.queue.emplace_back(position, c.lease);
    }
    if (worker.running) return;
    TestsReported reported{c.worker, {}};
    BeginTest(c.worker, &worker, &reported.steps);
    Say(host, reported);
  }

  void On(HostId host, const ReturnTests& c) {
    Worker& worker = workers_[c.worker];
    const absl::flat_hash_set<uint32_t> asked(c.positions.begin(),
                                              c.positions.end());
    TestsReturned returned{c.worker, {}};
    std::deque<std::pair<uint32_t, uint32_t>> kept;
    for (size_t i = 0; i < worker.queue.size(); ++i) {
      const bool runs = i == 0 && worker.running;
      if (!runs && asked.contains(worker.queue[i].first)) {
        returned.positions.push_back(worker.queue[i].first);
      } else {
        kept.push_back(worker.queue[i]);
      }
    }
    worker.queue = std::move(kept);
    Say(host, returned);
  }

  void On(HostId host, const FinishWorker& c) {
    Worker& worker = workers_[c.worker];
    worker.finish = true;
    if (!worker.running) Say(host, WorkerFinished{c.worker, 0, "", false});
  }

  void On(HostId host, const InterruptWorker&) {}
  void On(HostId host, const KillWorker&) {}
  void On(HostId host, const SyncTold&) {}
  void On(HostId host, const ProbeHost&) {}
  void On(HostId host, const FetchFiles&) {}
  void On(HostId host, const FetchAnswered&) {}
  void On(HostId host, const CloseNode&) {
    Take(machine_.OnHostLost(host, "", now_));
  }

  // Begins the next test, if there is one; says so in `steps`.
  void BeginTest(WorkerId id, Worker* worker, std::vector<TestStep>* steps) {
    if (worker->queue.empty()) return;
    worker->running = true;
    const uint32_t position = worker->queue.front().first;
    const std::string& test = IdAt(*worker, position);
    worker->takes = duration_of_(PlanOf(*worker), test);
    Count(test, worker->takes, &forecast_.workers[worker->slot]);
    ends_.emplace(now_ + worker->takes, id);
    TestStep started;
    started.position = position;
    steps->push_back(std::move(started));
  }

  void Count(const std::string& id, absl::Duration takes, ForecastWorker* row) {
    ++row->tests;
    row->busy += takes;
    if (row->first.size() < kFirstTests) row->first.push_back(id);
    ++forecast_.tests;
    forecast_.total += takes;
    if (takes > forecast_.longest || forecast_.longest_id.empty()) {
      forecast_.longest = takes;
      forecast_.longest_id = id;
    }
  }

  void EndTest(WorkerId id, Worker* worker) {
    last_end_ = now_;
    TestStep done;
    done.kind = TestStep::Kind::kDone;
    std::tie(done.position, done.lease) = worker->queue.front();
    done.micros.call = static_cast<uint32_t>(std::min<int64_t>(
        absl::ToInt64Microseconds(worker->takes), UINT32_MAX));
    worker->queue.pop_front();
    worker->running = false;
    TestsReported reported{id, {std::move(done)}};
    BeginTest(id, worker, &reported.steps);
    Say(PlanOf(*worker).host, reported);
    if (worker->finish && !worker->running) {
      Say(PlanOf(*worker).host, WorkerFinished{id, 0, "", false});
    }
  }

  const RunPlan plan_;
  const absl::Span<const CollectionListed> lists_;
  const DurationOf& duration_of_;
  RunMachine machine_;
  absl::Time now_ = absl::UnixEpoch();
  absl::Time last_end_ = absl::UnixEpoch();
  absl::flat_hash_map<std::string, size_t> by_name_;
  absl::flat_hash_map<WorkerId, Worker> workers_;
  std::multimap<absl::Time, WorkerId> ends_;  // Of running tests.
  absl::Time wake_ = absl::InfiniteFuture();  // When the machine asked for it.
  std::deque<RunCommand> pending_;
  Forecast forecast_;
};

}  // namespace

Forecast MakeForecast(RunPlan plan, absl::Span<const CollectionListed> lists,
                      const DurationOf& duration_of) {
  const bool everywhere =
      FindPolicy(plan.mode)->spread == Spread::kEveryWorkerAll;
  Forecast forecast = Simulation(std::move(plan), lists, duration_of).Run();
  forecast.bound = forecast.longest;
  for (const ForecastWorker& worker : forecast.workers) {
    if (everywhere) forecast.bound = std::max(forecast.bound, worker.busy);
  }
  if (!everywhere && !forecast.workers.empty()) {
    const auto count = static_cast<int64_t>(forecast.workers.size());
    forecast.bound = std::max(forecast.bound, forecast.total / count);
  }
  return forecast;
}

}  // namespace dist
