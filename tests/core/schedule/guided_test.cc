#include "core/schedule/guided.h"

#include "gtest/gtest.h"

namespace dist {
namespace {

constexpr absl::Duration kEver = absl::InfiniteDuration();

TEST(Guided, HalvesWhatIsLeftIfThereIsNoHorizon) {
  Demand demand;
  demand.workers = 2;
  demand.pending = 100;
  demand.pending_time = absl::Seconds(100);
  EXPECT_EQ(NextGuided(demand, kEver).time, absl::Seconds(25));
  demand.queued = 1;
  demand.idle = 0;
  demand.queued_time = absl::Seconds(20);
  EXPECT_EQ(NextGuided(demand, kEver).tests, 0u);
  demand.queued_time = absl::Seconds(10);
  EXPECT_EQ(NextGuided(demand, kEver).time, absl::Seconds(15));
}

struct FarRow {
  const char* why;
  size_t queued;
  size_t pending;
  absl::Duration mean;
  size_t tests;
  absl::Duration time;
};

TEST(Guided, IsAsDeepAsTheRoundTripAsksFor) {
  const absl::Duration quick = absl::Milliseconds(2);
  const absl::Duration slow = absl::Milliseconds(500);
  for (const FarRow& row : {
           FarRow{"three round trips and the floor", 0, 100000, quick, 100000,
                  absl::Milliseconds(310)},
           FarRow{"filled up when half is left", 77, 100000, quick, 100000,
                  absl::Milliseconds(156)},
           FarRow{"half hides a round trip", 78, 100000, quick, 0, kEver},
           FarRow{"near the end a fair share", 0, 100, quick, 100,
                  absl::Milliseconds(50)},
           FarRow{"at the end one test", 0, 1, quick, 1,
                  absl::Milliseconds(10)},
           FarRow{"one slow test waits there", 1, 100, slow, 1, kEver},
           FarRow{"and not two", 2, 100, slow, 0, kEver},
           FarRow{"the last ones wait here", 1, 4, slow, 0, kEver},
       }) {
    SCOPED_TRACE(row.why);
    Demand demand;
    demand.queued = row.queued;
    demand.pending = row.pending;
    demand.workers = 4;
    demand.idle = row.queued == 0 ? 1 : 0;
    demand.queued_time = row.mean * static_cast<int64_t>(row.queued);
    demand.pending_time = row.mean * static_cast<int64_t>(row.pending);
    demand.round_trip = absl::Milliseconds(100);
    const Portion portion = NextGuided(demand, absl::Milliseconds(250));
    EXPECT_EQ(portion.tests, row.tests);
    EXPECT_EQ(portion.time, row.time);
  }
}

}  // namespace
}  // namespace dist
