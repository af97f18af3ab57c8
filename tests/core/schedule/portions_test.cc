#include "core/schedule/policy.h"
#include "gtest/gtest.h"

namespace dist {
namespace {

constexpr absl::Duration kEver = absl::InfiniteDuration();

struct Row {
  const char* why;
  size_t queued;
  size_t pending;
  size_t workers;
  absl::Duration mean;
  size_t max_chunk;
  size_t tests;
  absl::Duration time;
};

TEST(Portions, AreMeasuredInExpectedTime) {
  const absl::Duration none;
  const absl::Duration quick = absl::Milliseconds(1);
  const absl::Duration slow = absl::Seconds(1);
  const absl::Duration horizon = absl::Milliseconds(250);
  for (const Row& row : {
           Row{"nothing is pending", 0, 0, 1, quick, 0, 0, kEver},
           Row{"the first lease is a guess", 0, 1000, 2, none, 0, 2, kEver},
           Row{"and no second one follows", 1, 1000, 2, none, 0, 0, kEver},
           Row{"of few tests half the share", 0, 8, 2, none, 0, 2, kEver},
           Row{"up to the horizon", 0, 10000, 2, quick, 0, 10000, horizon},
           Row{"half of it is enough", 125, 10000, 2, quick, 0, 0, kEver},
           Row{"it is filled up at half", 124, 10000, 2, quick, 0, 10000,
               absl::Milliseconds(126)},
           Row{"half the fair share near the end", 0, 100, 2, quick, 0, 100,
               absl::Milliseconds(25)},
           Row{"slow tests are not sent ahead", 1, 10000, 2, slow, 0, 0, kEver},
           Row{"half of that is enough, too", 13, 100, 2, quick, 0, 0, kEver},
           Row{"and is filled up", 12, 100, 2, quick, 0, 100,
               absl::Milliseconds(13)},
           Row{"never less than a round trip needs", 0, 20, 9, quick, 0, 20,
               absl::Milliseconds(10)},
           Row{"but the last ones are for the idle", 2, 1, 9, quick, 0, 0,
               kEver},
           Row{"--maxschedchunk", 0, 10000, 2, quick, 3, 3, horizon},
       }) {
    SCOPED_TRACE(row.why);
    const auto policy = FindPolicy("load")->make(PolicyOptions{row.max_chunk});
    Demand demand;
    demand.queued = row.queued;
    demand.pending = row.pending;
    demand.workers = row.workers;
    demand.queued_time = row.mean * static_cast<int64_t>(row.queued);
    demand.pending_time = row.mean * static_cast<int64_t>(row.pending);
    const Portion portion = policy->Next(demand);
    EXPECT_EQ(portion.tests, row.tests);
    EXPECT_EQ(portion.time, row.time);
  }
}

}  // namespace
}  // namespace dist
