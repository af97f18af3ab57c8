// Long lines in the simulated world: leases deep enough to hide them.
#include <cstdio>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/sim/sim_state.h"

namespace dist {
namespace sim {
namespace {

constexpr int kWorkers = 4;

// One host whose workers do nothing but pass tests.
Scenario Calm(const char* mode, bool known, size_t tests, int64_t micros,
              int64_t delay) {
  Scenario scenario;
  scenario.jitter = 0;
  scenario.dawdles = false;
  scenario.delays = {delay};
  scenario.slow = {false};
  RunPlan& plan = scenario.plan;
  plan.mode = mode;
  plan.platforms = {""};
  plan.hosts.push_back({"h"});
  for (int w = 0; w < kWorkers; ++w) {
    PlannedWorker& worker = plan.workers.emplace_back();
    worker.host = HostId(0);
    worker.platform = PlatformId(0);
    worker.setup.name = absl::StrCat("gw", w);
  }
  for (size_t i = 0; i < tests; ++i) {
    scenario.ids.push_back(absl::StrCat("f", i / 100, ".py::t", i));
    scenario.groups.emplace_back();
    scenario.fates.push_back(Fate::kPass);
    scenario.times.push_back(micros);
  }
  if (!known) return scenario;
  absl::flat_hash_map<std::string, absl::Duration> times;
  for (const std::string& id : scenario.ids) {
    times[id] = absl::Microseconds(micros);
  }
  plan.estimates = Estimates(std::move(times));
  return scenario;
}

double Seconds(const char* mode, bool known, size_t tests, int64_t micros,
               int64_t delay) {
  const SimResult result = Simulate(Calm(mode, known, tests, micros, delay));
  EXPECT_EQ(result.violation, "");
  EXPECT_EQ(result.counts.judged, tests);
  return static_cast<double>(result.last_end - result.first_begin) / 1e6;
}

struct Row {
  const char* why;
  size_t tests;
  int64_t micros;
  double least;  // Of the throughput without a delay.
};

TEST(Delay, OfAHundredMillisecondsIsHidden) {
  for (const Row& row : {
           Row{"2 ms tests", 10000, 2 * kMs, 0.9},
           Row{"20 ms tests", 1000, 20 * kMs, 0.9},
           Row{"200 ms tests", 200, 200 * kMs, 0.9},
           Row{"2 s tests", 40, 2000 * kMs, 0.9},
       }) {
    for (const char* mode : {"load", "worksteal"}) {
      for (const bool known : {false, true}) {
        SCOPED_TRACE(absl::StrCat(row.why, ", ", mode, ", history ", known));
        const double near = Seconds(mode, known, row.tests, row.micros, 0);
        const double far =
            Seconds(mode, known, row.tests, row.micros, 50 * kMs);
        std::printf("%-14s %-10s %-8s %.3f s near, %.3f s far: %.3f\n", row.why,
                    mode, known ? "history" : "", near, far, near / far);
        EXPECT_GE(near / far, row.least);
      }
    }
  }
}

}  // namespace
}  // namespace sim
}  // namespace dist
