// How near the optimum schedules are, in virtual time: //bench:makespan without
// the noise. Links take no time here; see //tests/sim:delay_test for those.
#include <algorithm>
#include <cstdio>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "core/run/forecast.h"
#include "gtest/gtest.h"
#include "tests/support/run_driver.h"

namespace dist {
namespace {

constexpr uint32_t kWorkers = 8;
constexpr size_t kFiles = 30;
constexpr size_t kTests = 300;
constexpr double kTotal = 160;  // Seconds.
constexpr int kSeeds = 20;

enum class Order { kRandom, kSlowFirst, kSlowLast };

struct Suite {
  CollectionListed listed;
  absl::flat_hash_map<std::string, absl::Duration> durations;
  double longest = 0;
  double longest_file = 0;
};

Suite MakeSuite(uint64_t seed, Order order) {
  std::mt19937_64 random(seed);
  std::lognormal_distribution<double> draw(0, 1);
  std::vector<double> seconds(kTests);
  for (double& s : seconds) s = draw(random);
  const double sum = std::accumulate(seconds.begin(), seconds.end(), 0.0);
  for (double& s : seconds) s *= kTotal / sum;
  if (order != Order::kRandom) std::sort(seconds.begin(), seconds.end());
  if (order == Order::kSlowFirst) std::reverse(seconds.begin(), seconds.end());
  Suite suite;
  std::vector<double> files(kFiles);
  for (size_t i = 0; i < kTests; ++i) {
    const size_t file = i * kFiles / kTests;
    suite.listed.ids.push_back(absl::StrCat("test_", file, ".py::test_it[", i));
    suite.durations[suite.listed.ids.back()] = absl::Seconds(seconds[i]);
    files[file] += seconds[i];
  }
  suite.longest = *std::max_element(seconds.begin(), seconds.end());
  suite.longest_file = *std::max_element(files.begin(), files.end());
  return suite;
}

// The worst makespan of all seeds, in bounds. `factors`: how many times as long
// tests take on each host; kWorkers in all.
struct Case {
  const char* why;
  const char* mode;
  Order order;
  bool history;
  double most;
  std::vector<std::pair<uint32_t, double>> hosts = {{kWorkers, 1.0}};
};

RunPlan PlanOf(const Case& c, const Suite& suite) {
  RunPlan plan = MakePlan(c.mode, static_cast<uint32_t>(c.hosts.size()), 1);
  const PlannedWorker one = plan.workers.front();
  plan.workers.clear();
  for (uint32_t h = 0; h < c.hosts.size(); ++h) {
    for (uint32_t w = 0; w < c.hosts[h].first; ++w) {
      PlannedWorker& worker = plan.workers.emplace_back(one);
      worker.host = HostId(h);
      worker.setup.name = absl::StrCat("gw", plan.workers.size());
    }
  }
  if (!c.history) return plan;
  plan.estimates = Estimates(suite.durations);
  for (size_t h = 0; h < c.hosts.size(); ++h) {
    plan.hosts[h].pace = c.hosts[h].second;
  }
  return plan;
}

double Ratio(const Case& c, uint64_t seed) {
  Suite suite = MakeSuite(seed, c.order);
  const CollectionListed lists[] = {suite.listed};
  const Forecast forecast = MakeForecast(
      PlanOf(c, suite), lists,
      [&](const PlannedWorker& worker, const std::string& id) {
        return suite.durations[id] * c.hosts[worker.host.value()].second;
      });
  EXPECT_EQ(forecast.tests, kTests);
  double speed = 0;
  for (const auto& [workers, factor] : c.hosts) speed += workers / factor;
  const bool files = c.mode == std::string("loadfile");
  const double bound =
      std::max(kTotal / speed, files ? suite.longest_file : suite.longest);
  return absl::ToDoubleSeconds(forecast.makespan) / bound;
}

TEST(Makespan, IsNearTheOptimum) {
  const std::vector<std::pair<uint32_t, double>> uneven = {{2, 3.0}, {6, 1.0}};
  const std::vector<std::pair<uint32_t, double>> snail = {{1, 10.0}, {7, 1.0}};
  for (const Case& c : {
           Case{"random, history", "load", Order::kRandom, true, 1.03},
           Case{"slow first, history", "load", Order::kSlowFirst, true, 1.03},
           Case{"slow last, history", "load", Order::kSlowLast, true, 1.03},
           Case{"random", "load", Order::kRandom, false, 1.15},
           Case{"slow first", "load", Order::kSlowFirst, false, 1.15},
           Case{"slow last", "load", Order::kSlowLast, false, 1.15},
           Case{"random, history", "worksteal", Order::kRandom, true, 1.03},
           Case{"slow first, history", "worksteal", Order::kSlowFirst, true,
                1.03},
           Case{"slow last, history", "worksteal", Order::kSlowLast, true,
                1.03},
           Case{"random", "worksteal", Order::kRandom, false, 1.15},
           Case{"slow first", "worksteal", Order::kSlowFirst, false, 1.15},
           Case{"slow last", "worksteal", Order::kSlowLast, false, 1.25},
           Case{"files, history", "loadfile", Order::kRandom, true, 1.10},
           Case{"two slow, history", "load", Order::kRandom, true, 1.10,
                uneven},
           Case{"one very slow, history", "load", Order::kRandom, true, 1.10,
                snail},
           Case{"two slow", "load", Order::kRandom, false, 1.30, uneven},
           Case{"one very slow", "load", Order::kRandom, false, 1.45, snail},
       }) {
    double sum = 0;
    double most = 0;
    for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
      const double ratio = Ratio(c, seed);
      sum += ratio;
      most = std::max(most, ratio);
    }
    std::printf("%-10s %-22s mean %.3f, at most %.3f\n", c.mode, c.why,
                sum / kSeeds, most);
    EXPECT_LE(sum / kSeeds, c.most) << c.mode << ' ' << c.why;
  }
}

}  // namespace
}  // namespace dist
