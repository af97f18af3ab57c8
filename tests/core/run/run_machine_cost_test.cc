// What a test costs the run machine, in time and memory. Prints the numbers;
// asserts only what no slow machine can miss: that nothing is quadratic.
#include <algorithm>
#include <cstdio>
#include <string>

#include "gtest/gtest.h"
#include "tests/support/quick_nodes.h"
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
    QuickOptions options;
    options.tests = c.tests;
    options.steps = c.steps;
    options.fail = c.fail;
    QuickNodes nodes(options, std::move(plan));
    nodes.Run();
    const size_t platforms = std::string(c.mode) == "each" ? c.workers : 1;
    const size_t units = c.tests * platforms;
    EXPECT_EQ(nodes.judged, units);
    const double run = nodes.seconds - nodes.collect_seconds;
    std::printf(
        "%-40s %7zu units: collect %.2f us, run %.2f us, %zu bytes\n", c.name,
        units, nodes.collect_seconds * 1e6 / static_cast<double>(units),
        run * 1e6 / static_cast<double>(units), nodes.collected_bytes / units);
    EXPECT_LT(nodes.seconds, 60);
  }
}

// A test must not cost a look at every worker: a hundred times as many of them
// may not make it twenty times as dear. Without that, it was a hundred.
TEST(RunMachineCost, IsFlatInWorkers) {
  const auto seconds = [](uint32_t workers) {
    double best = 1e9;
    for (int i = 0; i < 3; ++i) {
      QuickOptions options;
      options.tests = 4000;
      options.steps = 1;
      options.micros = 50000;
      QuickNodes nodes(options, MakePlan("load", 1, workers));
      nodes.Run();
      EXPECT_EQ(nodes.judged, options.tests);
      best = std::min(best, nodes.seconds);
    }
    return best;
  };
  const double few = seconds(40);
  const double many = seconds(4000);
  std::printf("4,000 tests: %.2f us a test with 40 workers, %.2f with 4,000\n",
              few * 1e6 / 4000, many * 1e6 / 4000);
  EXPECT_LT(many, 20 * few);
}

}  // namespace
}  // namespace dist
