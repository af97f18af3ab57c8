#include "core/schedule/policy.h"
#include "gtest/gtest.h"

namespace dist {
namespace {

TEST(Split, DividesWhatIsPendingEvenlyOverIdleWorkers) {
  const auto policy = FindPolicy("worksteal")->make(PolicyOptions());
  Demand demand;
  demand.pending = 10;
  for (const size_t expected : {4, 3, 3}) {
    demand.idle = 3 - (expected == 4 ? 0 : demand.pending == 6 ? 1 : 2);
    EXPECT_EQ(policy->Next(demand).tests, expected);
    demand.pending -= expected;
  }
}

TEST(Split, GivesBusyWorkersNothing) {
  const auto policy = FindPolicy("worksteal")->make(PolicyOptions());
  Demand demand;
  demand.pending = 10;
  demand.queued = 1;
  EXPECT_EQ(policy->Next(demand).tests, 0u);
}

TEST(Split, GivesHalfTheShareWhereTimesAreForeseen) {
  const auto policy = FindPolicy("worksteal")->make(PolicyOptions());
  Demand demand;
  demand.pending = 10;
  demand.workers = demand.idle = 2;
  demand.foreseen = true;
  demand.pending_time = absl::Seconds(40);
  EXPECT_EQ(policy->Next(demand).time, absl::Seconds(10));
  demand.queued = 1;
  demand.queued_time = absl::Seconds(1);
  EXPECT_EQ(policy->Next(demand).time, absl::Seconds(9));
}

}  // namespace
}  // namespace dist
