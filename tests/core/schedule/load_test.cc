#include "core/schedule/policy.h"
#include "gtest/gtest.h"

namespace dist {
namespace {

struct Row {
  const char* why;
  Demand demand;
  size_t max_chunk;
  size_t portion;
};

TEST(Load, HandsOutShrinkingPortions) {
  const absl::Duration none;
  const absl::Duration quick = absl::Milliseconds(1);
  const absl::Duration slow = absl::Seconds(1);
  for (const Row& row : {
           Row{"nothing is pending", {0, 0, 1, quick}, 0, 0},
           Row{"the first lease is a guess", {0, 1000, 2, none}, 0, 16},
           Row{"and no second one follows", {1, 1000, 2, none}, 0, 0},
           Row{"250 ms of work", {0, 10000, 2, quick}, 0, 250},
           Row{"half of it is enough", {126, 10000, 2, quick}, 0, 0},
           Row{"it is filled up at half", {125, 10000, 2, quick}, 0, 125},
           Row{"half the fair share near the end", {0, 100, 2, quick}, 0, 25},
           Row{"slow tests go one by one", {0, 10000, 2, slow}, 0, 1},
           Row{"and not ahead", {1, 10000, 2, slow}, 0, 0},
           Row{"the last one goes at once", {0, 1, 9, quick}, 0, 1},
           Row{"--maxschedchunk", {0, 10000, 2, quick}, 3, 3},
       }) {
    SCOPED_TRACE(row.why);
    const auto policy = FindPolicy("load")->make(PolicyOptions{row.max_chunk});
    EXPECT_EQ(policy->Portion(row.demand), row.portion);
  }
}

TEST(Load, PortionsShrinkTowardsTheEnd) {
  const auto policy = FindPolicy("load")->make(PolicyOptions());
  size_t last = SIZE_MAX;
  Demand demand;
  demand.workers = 4;
  demand.mean = absl::Microseconds(100);
  for (demand.pending = 20000; demand.pending > 0;) {
    const size_t portion = policy->Portion(demand);
    ASSERT_LE(portion, last);
    last = portion;
    demand.pending -= portion;
  }
  EXPECT_EQ(last, 1u);
}

}  // namespace
}  // namespace dist
