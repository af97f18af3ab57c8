// What a test costs the coordinator's core with 1,000 workers, in time and
// memory. bazel run //bench:scale [-- most tests]
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/run/run_machine.h"

namespace dist {
namespace {

constexpr uint32_t kHosts = 10;
constexpr uint32_t kWorkers = 1000;

double Seconds() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

size_t Allocated() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

RunPlan MakePlan(const std::string& mode) {
  RunPlan plan;
  plan.mode = mode;
  plan.platforms.push_back("");
  for (uint32_t h = 0; h < kHosts; ++h) {
    plan.hosts.push_back({absl::StrCat("host", h)});
  }
  for (uint32_t w = 0; w < kWorkers; ++w) {
    PlannedWorker worker;
    worker.host = HostId(w % kHosts);
    worker.platform = PlatformId(0);
    worker.setup.name = absl::StrCat("gw", w);
    plan.workers.push_back(std::move(worker));
  }
  return plan;
}

// Nodes without time: in each turn every worker runs up to `kBatch` tests.
class Nodes {
 public:
  Nodes(const std::string& mode, size_t tests)
      : tests_(tests), machine_(MakePlan(mode)), workers_(kWorkers) {}

  void Run() {
    Obey(machine_.Start(absl::UnixEpoch()));
    for (uint32_t h = 0; h < kHosts; ++h) {
      NodeReady ready;
      ready.cpus = kWorkers;
      Hear(h, ready);
    }
    CollectionListed listed{"h", {}, {}};
    for (size_t i = 0; i < tests_; ++i) {
      listed.ids.push_back(
          absl::StrCat("tests/unit/test_module_", i / 20, ".py::test_", i));
    }
    const size_t before = Allocated();
    for (uint32_t w = 0; w < kWorkers; ++w) {
      CollectionReported reported;
      reported.worker = WorkerId(w);
      reported.hash = "h";
      Hear(HostOf(w), reported);
      if (w == 0) Hear(HostOf(w), listed);
    }
    bytes = Allocated() - before;
    while (Turn()) bytes = std::max(bytes, Allocated() - before);
  }

  size_t judged = 0;
  size_t bytes = 0;    // At most, while running.
  double seconds = 0;  // In the machine.

 private:
  struct Worker {
    uint32_t host = 0;
    std::deque<uint32_t> queue;
    std::vector<uint32_t> asked;  // To be given back.
    bool answers = false;
  };
  static constexpr int kBatch = 4;

  uint32_t HostOf(uint32_t worker) const { return workers_[worker].host; }

  bool Turn() {
    bool any = false;
    for (uint32_t w = 0; w < kWorkers; ++w) {
      any = Work(w) || any;
      any = Answer(w) || any;
    }
    return any;
  }

  bool Work(uint32_t w) {
    std::deque<uint32_t>& queue = workers_[w].queue;
    if (queue.empty()) return false;
    TestsReported reported{WorkerId(w), {}};
    // Some are slower than others, so that there is something to steal.
    const int batch = 1 + static_cast<int>(w) % kBatch;
    for (int i = 0; i < batch && !queue.empty(); ++i) {
      TestStep step;
      step.position = queue.front();
      queue.pop_front();
      reported.steps.push_back(step);
      step.kind = TestStep::Kind::kDone;
      step.micros.call = 50000;
      reported.steps.push_back(step);
    }
    Hear(HostOf(w), std::move(reported));
    return true;
  }

  bool Answer(uint32_t w) {
    Worker& worker = workers_[w];
    if (!std::exchange(worker.answers, false)) return false;
    TestsReturned returned{WorkerId(w), {}};
    for (const uint32_t position : std::exchange(worker.asked, {})) {
      const auto at =
          std::find(worker.queue.begin(), worker.queue.end(), position);
      if (at == worker.queue.end()) continue;
      worker.queue.erase(at);
      returned.positions.push_back(position);
    }
    Hear(HostOf(w), std::move(returned));
    return true;
  }

  void Hear(uint32_t host, NodeEvent event) {
    const double start = Seconds();
    const Commands commands =
        machine_.OnNode(HostId(host), event, absl::UnixEpoch());
    seconds += Seconds() - start;
    Obey(commands);
  }

  void Obey(const Commands& commands) {
    for (const RunCommand& command : commands) {
      if (const auto* announce = std::get_if<Announce>(&command)) {
        judged += std::holds_alternative<TestJudged>(announce->event);
      } else if (const auto* tell = std::get_if<TellNode>(&command)) {
        Do(tell->host.value(), tell->command);
      }
    }
  }

  void Do(uint32_t host, const NodeCommand& command) {
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

  const size_t tests_;
  RunMachine machine_;
  std::vector<Worker> workers_;
};

int Main(size_t most) {
  std::printf("%-10s %9s %9s %11s\n", "mode", "tests", "us/test", "bytes/test");
  bool all = true;
  for (const char* mode : {"load", "loadfile", "worksteal"}) {
    for (size_t tests = 1000; tests <= most; tests *= 10) {
      Nodes nodes(mode, tests);
      nodes.Run();
      const auto n = static_cast<double>(tests);
      std::printf("%-10s %9zu %9.2f %11.0f\n", mode, tests,
                  nodes.seconds * 1e6 / n,
                  static_cast<double>(nodes.bytes) / n);
      all = all && nodes.judged == tests;
    }
  }
  if (!all) std::printf("not every test has a verdict\n");
  return all ? 0 : 1;
}

}  // namespace
}  // namespace dist

int main(int argc, char** argv) {
  const size_t most = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1000000;
  return dist::Main(most);
}
