#include "tests/support/quick_nodes.h"

#include <malloc.h>
#include <time.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace dist {
namespace {

constexpr size_t kUneven = 4;
// Asking what is allocated takes long where much is.
constexpr size_t kEveryTurn = 64;

double CpuSeconds() {
  timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) +
         static_cast<double>(now.tv_nsec) / 1e9;
}

// What of a measured time is looking at the clock.
double ClockSeconds() {
  constexpr int kTimes = 1000;
  double sum = 0;
  for (int i = 0; i < kTimes; ++i) {
    const double start = CpuSeconds();
    sum += CpuSeconds() - start;
  }
  return sum / kTimes;
}

size_t Allocated() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

}  // namespace

QuickNodes::QuickNodes(const QuickOptions& options, RunPlan plan)
    : options_(options),
      clock_seconds_(ClockSeconds()),
      hosts_(plan.hosts.size()),
      machine_(plan),
      workers_(plan.workers.size()) {}

void QuickNodes::Run() {
  Obey(machine_.Start(absl::UnixEpoch()));
  for (uint32_t h = 0; h < hosts_; ++h) {
    NodeReady ready;
    ready.cpus = static_cast<uint32_t>(workers_.size());
    Hear(HostId(h), ready);
  }
  CollectionListed listed{"h", {}, {}};
  for (size_t i = 0; i < options_.tests; ++i) {
    listed.ids.push_back(absl::StrCat("tests/unit/test_module_",
                                      i / options_.per_file, ".py::test_", i));
  }
  const size_t before = Allocated();
  for (uint32_t w = 0; w < workers_.size(); ++w) {
    CollectionReported reported;
    reported.worker = WorkerId(w);
    reported.hash = "h";
    Hear(workers_[w].host, reported);
    if (w == 0) Hear(workers_[w].host, listed);
  }
  collect_seconds = seconds;
  collected_bytes = most_bytes = Allocated() - before;
  for (size_t turn = 0; Turn(); ++turn) {
    if (turn > kEveryTurn && turn % kEveryTurn != 0) continue;
    most_bytes = std::max(most_bytes, Allocated() - before);
  }
}

bool QuickNodes::Turn() {
  bool any = false;
  for (uint32_t w = 0; w < workers_.size(); ++w) {
    any = Work(w) || any;
    any = Answer(w) || any;
  }
  return any;
}

bool QuickNodes::Work(uint32_t w) {
  Worker& worker = workers_[w];
  if (worker.done == worker.queue.size()) return false;
  size_t most = options_.steps;
  if (options_.uneven) most = std::max<size_t>(1, most * (w % kUneven) / 3);
  TestsReported reported{WorkerId(w), {}};
  for (size_t i = 0; i < most && worker.done < worker.queue.size(); ++i) {
    Report(worker.queue[worker.done++], &reported);
  }
  if (worker.done * 2 > worker.queue.size()) {
    worker.queue.erase(
        worker.queue.begin(),
        worker.queue.begin() +
            static_cast<ptrdiff_t>(std::exchange(worker.done, 0)));
  }
  Hear(worker.host, std::move(reported));
  return true;
}

void QuickNodes::Report(uint32_t position, TestsReported* reported) const {
  TestStep step;
  step.position = position;
  reported->steps.push_back(step);
  if (options_.fail) {
    step.kind = TestStep::Kind::kPhase;
    step.report.resize(1);
    step.report[0].verdict = Verdict::kFailed;
    reported->steps.push_back(step);
    step.report.clear();
  }
  step.kind = TestStep::Kind::kDone;
  step.micros.call = options_.micros;
  reported->steps.push_back(step);
}

bool QuickNodes::Answer(uint32_t w) {
  Worker& worker = workers_[w];
  if (!std::exchange(worker.answers, false)) return false;
  TestsReturned returned{WorkerId(w), {}};
  for (const uint32_t position : std::exchange(worker.asked, {})) {
    const auto first =
        worker.queue.begin() + static_cast<ptrdiff_t>(worker.done);
    const auto at = std::find(first, worker.queue.end(), position);
    if (at == worker.queue.end()) continue;
    worker.queue.erase(at);
    returned.positions.push_back(position);
  }
  Hear(worker.host, std::move(returned));
  return true;
}

void QuickNodes::Hear(HostId host, const NodeEvent& event) {
  const double start = CpuSeconds();
  const Commands commands = machine_.OnNode(host, event, absl::UnixEpoch());
  seconds += std::max(0.0, CpuSeconds() - start - clock_seconds_);
  Obey(commands);
}

void QuickNodes::Obey(const Commands& commands) {
  for (const RunCommand& command : commands) {
    if (const auto* announce = std::get_if<Announce>(&command)) {
      judged += std::holds_alternative<TestJudged>(announce->event) ? 1 : 0;
    } else if (const auto* tell = std::get_if<TellNode>(&command)) {
      Do(tell->host, tell->command);
    }
  }
}

void QuickNodes::Do(HostId host, const NodeCommand& command) {
  if (const auto* start = std::get_if<StartWorker>(&command)) {
    workers_[start->worker.value()].host = host;
  } else if (const auto* run = std::get_if<RunTests>(&command)) {
    auto& queue = workers_[run->worker.value()].queue;
    queue.insert(queue.end(), run->positions.begin(), run->positions.end());
  } else if (const auto* back = std::get_if<ReturnTests>(&command)) {
    Worker& worker = workers_[back->worker.value()];
    worker.asked = back->positions;
    worker.answers = true;
  }
}

}  // namespace dist
