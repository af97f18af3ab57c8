// How much is leased, and from which end: round trips and paces.
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/run_driver.h"

namespace dist {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

std::vector<std::string> Ids(size_t tests) {
  std::vector<std::string> ids;
  for (size_t i = 0; i < tests; ++i) ids.push_back(absl::StrCat("m.py::t", i));
  return ids;
}

// Two hosts with a worker each, tests expected to take these seconds.
RunPlan Timed(const std::vector<double>& seconds) {
  RunPlan plan = MakePlan("load", 2, 1);
  absl::flat_hash_map<std::string, absl::Duration> expected;
  for (size_t i = 0; i < seconds.size(); ++i) {
    expected[absl::StrCat("m.py::t", i)] = absl::Seconds(seconds[i]);
  }
  plan.estimates = Estimates(std::move(expected));
  return plan;
}

// What the last lease holds after a first test of 2 ms, when the worker
// answered after `round_trip`.
size_t LeasedOver(absl::Duration round_trip) {
  RunDriver run(MakePlan("load", 1, 1));
  run.takes = absl::Milliseconds(2);
  run.Ready(0);
  run.Collect(0, Ids(2000));
  run.Advance(round_trip);
  run.Begin(0, 0);
  run.Advance(absl::Seconds(1));  // The test's, not the link's.
  run.Finish(0, 0);
  return run.Told<RunTests>().back().positions.size();
}

TEST(Leases, AreAsDeepAsTheRoundTripAsksFor) {
  EXPECT_EQ(LeasedOver(absl::Milliseconds(1)), 124u);    // 250 ms.
  EXPECT_EQ(LeasedOver(absl::Milliseconds(100)), 154u);  // 310 ms.
  EXPECT_EQ(LeasedOver(absl::Milliseconds(300)), 454u);
}

TEST(Leases, StartTheShortestWhereLongOnesWouldTakeTooLong) {
  const std::vector<double> seconds = {5, 4, 0.1, 0.1, 0.08};
  for (const double pace : {1.0, 10.0}) {
    RunPlan plan = Timed(seconds);
    plan.hosts[1].pace = pace;
    RunDriver run(std::move(plan));
    for (const uint32_t slot : {0u, 1u}) {
      run.Ready(slot);
      run.Collect(slot, Ids(seconds.size()));
    }
    const auto leases = run.Told<RunTests>();
    ASSERT_THAT(leases, SizeIs(2));
    EXPECT_THAT(leases[0].positions, ElementsAre(0));
    EXPECT_THAT(leases[1].positions, ElementsAre(pace > 1 ? 4 : 1));
  }
}

TEST(Leases, LearnWhoIsSlow) {
  const std::vector<double> seconds = {1, 0.99, 0.98, 0.97, 0.96, 0.95};
  RunDriver run(Timed(seconds));
  for (const uint32_t slot : {0u, 1u}) {
    run.Ready(slot);
    run.Collect(slot, Ids(seconds.size()));
  }
  run.takes = absl::Seconds(1);
  run.Run(0, 0);
  run.Run(0, 2);
  run.takes = absl::Seconds(10);
  run.Run(1, 1);
  EXPECT_THAT(run.Told<RunTests>().back().positions, ElementsAre(5));
}

}  // namespace
}  // namespace dist
