// What a test costs the run machine, in time and memory. Prints the numbers;
// asserts only what no slow machine can miss: that nothing is quadratic.
#include <malloc.h>

#include <chrono>
#include <cstdio>
#include <deque>

#include "absl/strings/str_cat.h"
#include "core/run/run_machine.h"
#include "gtest/gtest.h"
#include "tests/support/run_driver.h"

namespace dist {
namespace {

constexpr size_t kTests = 1000000;

struct Case {
  const char* name;
  const char* mode;
  uint32_t workers;
  size_t tests;
  size_t steps;  // Tests a message.
  bool fail;     // Each once, and is tried again.
};

double Seconds() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

size_t Allocated() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// A node without time: whatever is leased is done at once, in order.
class QuickNode {
 public:
  QuickNode(const Case& c, RunPlan plan)
      : case_(c), machine_(std::move(plan)), queues_(c.workers) {}

  void Run() {
    Obey(machine_.Start(now_));
    NodeReady ready;
    ready.cpus = 1000;
    Hear(ready);
    CollectionListed listed{"h", {}, {}};
    for (size_t i = 0; i < case_.tests; ++i) {
      listed.ids.push_back(
          absl::StrCat("tests/unit/test_module_", i / 100, ".py::test_", i));
    }
    const size_t before = Allocated();
    const double start = Seconds();
    for (uint32_t w = 0; w < case_.workers; ++w) {
      CollectionReported reported;
      reported.worker = WorkerId(w);
      reported.hash = "h";
      Hear(reported);
      if (w == 0) Hear(listed);
    }
    collect_seconds = Seconds() - start;
    memory = Allocated() - before;
    while (Turn()) {
    }
  }

  double collect_seconds = 0;
  double run_seconds = 0;  // In the machine.
  size_t memory = 0;
  size_t judged = 0;

 private:
  bool Turn() {
    bool any = false;
    for (uint32_t w = 0; w < case_.workers; ++w) {
      if (queues_[w].empty()) continue;
      any = true;
      TestsReported reported{WorkerId(w), {}};
      for (size_t i = 0; i < case_.steps && !queues_[w].empty(); ++i) {
        Report(queues_[w].front(), &reported);
        queues_[w].pop_front();
      }
      Hear(std::move(reported));
    }
    return any;
  }

  void Report(uint32_t position, TestsReported* reported) {
    TestStep step;
    step.position = position;
    reported->steps.push_back(step);
    if (case_.fail) {
      step.kind = TestStep::Kind::kPhase;
      step.report.resize(1);
      step.report[0].verdict = Verdict::kFailed;
      reported->steps.push_back(step);
      step.report.clear();
    }
    step.kind = TestStep::Kind::kDone;
    step.micros.call = 200;
    reported->steps.push_back(step);
  }

  void Hear(NodeEvent event) {
    const double start = Seconds();
    Commands commands = machine_.OnNode(HostId(0), event, now_);
    run_seconds += Seconds() - start;
    Obey(commands);
  }

  void Obey(const Commands& commands) {
    for (const RunCommand& command : commands) {
      if (const auto* announce = std::get_if<Announce>(&command)) {
        judged += std::holds_alternative<TestJudged>(announce->event);
      } else if (const auto* tell = std::get_if<TellNode>(&command)) {
        const auto* run = std::get_if<RunTests>(&tell->command);
        if (run == nullptr) continue;
        auto& queue = queues_[run->worker.value()];
        queue.insert(queue.end(), run->positions.begin(), run->positions.end());
      }
    }
  }

  const Case case_;
  RunMachine machine_;
  std::vector<std::deque<uint32_t>> queues_;
  absl::Time now_ = absl::UnixEpoch();
};

TEST(RunMachineCost, IsLinearInTests) {
  for (const Case& c : {
           Case{"load, 2 workers", "load", 2, kTests, 20, false},
           Case{"load, 2 workers, a test a message", "load", 2, kTests / 5, 1,
                false},
           Case{"load, 100 workers", "load", 100, kTests, 20, false},
           Case{"load, 100 workers, a test a message", "load", 100, kTests / 5,
                1, false},
           Case{"load, 100 workers, all retried", "load", 100, kTests / 10, 1,
                true},
           Case{"each, 100 workers, a test a message", "each", 100,
                kTests / 100, 1, false},
       }) {
    RunPlan plan = MakePlan(c.mode, 1, c.workers);
    plan.retries = c.fail ? 1 : 0;
    QuickNode node(c, std::move(plan));
    node.Run();
    const size_t platforms = std::string(c.mode) == "each" ? c.workers : 1;
    const size_t units = c.tests * platforms;
    EXPECT_EQ(node.judged, units);
    const double run = node.run_seconds - node.collect_seconds;
    std::printf("%-40s %7zu units: collect %.2f us, run %.2f us, %zu bytes\n",
                c.name, units,
                node.collect_seconds * 1e6 / static_cast<double>(units),
                run * 1e6 / static_cast<double>(units), node.memory / units);
    EXPECT_LT(node.run_seconds, 60);
  }
}

}  // namespace
}  // namespace dist
