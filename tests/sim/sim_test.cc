// The run machine in a terrible world, thousands of times. A case that fails is
// shrunk and printed; put it into kRegressions, where it stays.
#include <chrono>
#include <cstdio>
#include <map>
#include <set>
#include <string>

#include "core/schedule/policy.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/sim/sim_world.h"

namespace dist {
namespace {

constexpr uint64_t kSeeds = 10000;

// Whatever becomes of kSeeds.
const SimCase kRegressions[] = {
    // A list of tests that came for a worker that had died meanwhile.
    {"load", 2650, {}},
    {"loadgroup", 4807, {13, 1, 3, 0, false, true, false}},
    // A worker took the list of another for its own: its hash was empty.
    {"load", 1697, {2, 3, 2, 4, false, true, false}},
    // Where workers collect different tests, the queue of those who never come
    // by noted every return of a test again.
    {"loadfile", 1352, {9, 1000, 1, 0, true, false, false}},
    {"loadgroup", 2036, {6, 1000, 3, 0, true, false, false}},
};

class Sim : public ::testing::TestWithParam<PolicyEntry> {
 protected:
  SimCase Case(uint64_t seed) const {
    return {std::string(GetParam().name), seed, SimCut()};
  }
};

std::string Explain(const SimCase& which) {
  const SimCase small = Shrink(which);
  return ToRow(small, Simulate(small).violation);
}

TEST_P(Sim, KeepsEveryInvariantInATerribleWorld) {
  std::map<std::string, size_t> sums;
  std::set<int> statuses;
  const auto start = std::chrono::steady_clock::now();
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SimResult result = Simulate(Case(seed));
    ASSERT_EQ(result.violation, "") << Explain(Case(seed));
    statuses.insert(result.status);
    result.counts.ForEach(
        [&](const char* name, size_t count) { sums[name] += count; });
  }
  const std::chrono::duration<double> took =
      std::chrono::steady_clock::now() - start;
  std::printf("%.0f schedules a second\n", kSeeds / took.count());
  const bool each = GetParam().spread == Spread::kEveryWorkerAll;
  for (const auto& [name, sum] : sums) {
    std::printf("  %s: %zu\n", name.c_str(), sum);
    const bool shared = name == "steals" || name == "steals too late";
    EXPECT_TRUE(sum > 0 || (each && shared)) << name << " never happened";
  }
  EXPECT_THAT(statuses, ::testing::ElementsAre(0, 1, 2, 3, 4, 5, 10, 11));
}

TEST_P(Sim, KeepsItsRegressionsFixed) {
  for (SimCase which : kRegressions) {
    which.mode = std::string(GetParam().name);
    EXPECT_EQ(Simulate(which).violation, "") << which.seed;
  }
}

TEST_P(Sim, RepeatsItselfForTheSameSeed) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const uint64_t digest = Simulate(Case(seed), true).digest;
    EXPECT_EQ(Simulate(Case(seed), true).digest, digest) << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(All, Sim, ::testing::ValuesIn(Policies()),
                         [](const auto& info) {
                           return std::string(info.param.name);
                         });

}  // namespace
}  // namespace dist
