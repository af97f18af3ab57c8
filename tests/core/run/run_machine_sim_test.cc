// The run machine in a terrible world, thousands of times. A seed that fails is
// put into kRegressions and stays there.
#include <set>

#include "core/schedule/policy.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/sim_world.h"

namespace dist {
namespace {

constexpr uint64_t kSeeds = 4000;

// Seeds that found something, whatever becomes of kSeeds.
constexpr uint64_t kRegressions[] = {
    2650,  // A list of tests that came for a worker that had died meanwhile.
};

class RunMachineSim : public ::testing::TestWithParam<PolicyEntry> {
 protected:
  std::string mode() const { return std::string(GetParam().name); }
};

TEST_P(RunMachineSim, KeepsEveryInvariant) {
  SimResult sum;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(::testing::Message() << mode() << " seed " << seed);
    const SimResult result = Simulate(mode(), seed);
    ASSERT_EQ(result.violation, "");
    sum.events += result.events;
    sum.hosts_lost += result.hosts_lost;
    sum.crashes += result.crashes;
    sum.stale_words += result.stale_words;
    sum.interrupts += result.interrupts;
    sum.judged += result.judged;
  }
  // The world is terrible enough.
  EXPECT_GT(sum.hosts_lost, kSeeds);
  EXPECT_GT(sum.crashes, kSeeds / 2);
  EXPECT_GT(sum.stale_words, kSeeds / 10);
  EXPECT_GT(sum.interrupts, kSeeds / 10);
  EXPECT_GT(sum.judged, kSeeds * 4);
}

TEST_P(RunMachineSim, KeepsItsRegressionsFixed) {
  for (const uint64_t seed : kRegressions) {
    SCOPED_TRACE(::testing::Message() << mode() << " seed " << seed);
    EXPECT_EQ(Simulate(mode(), seed).violation, "");
  }
}

TEST_P(RunMachineSim, RepeatsItselfForTheSameSeed) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    EXPECT_EQ(Simulate(mode(), seed).digest, Simulate(mode(), seed).digest);
  }
}

TEST_P(RunMachineSim, ReachesEveryExitStatus) {
  std::set<int> statuses;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    statuses.insert(Simulate(mode(), seed).status);
  }
  EXPECT_THAT(statuses, ::testing::ElementsAre(0, 1, 2, 3, 4, 5, 10, 11));
}

INSTANTIATE_TEST_SUITE_P(All, RunMachineSim, ::testing::ValuesIn(Policies()),
                         [](const auto& info) {
                           return std::string(info.param.name);
                         });

}  // namespace
}  // namespace dist
