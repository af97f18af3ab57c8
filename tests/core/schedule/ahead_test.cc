#include "core/schedule/policy.h"
#include "gtest/gtest.h"

namespace dist {
namespace {

struct Row {
  const char* why;
  size_t queued;
  size_t pending;
  size_t max_chunk;
  size_t portion;
};

TEST(Ahead, SendsAheadAndRefillsAtHalf) {
  for (const Row& row : {
           Row{"nothing is pending", 0, 0, 0, 0},
           Row{"all of a small run", 0, 10, 0, 10},
           Row{"a thousand of a large one", 0, 5000, 0, 1000},
           Row{"half a queue is enough", 501, 5000, 0, 0},
           Row{"less is not", 500, 5000, 0, 1000},
           Row{"--maxschedchunk", 0, 5000, 3, 3},
       }) {
    SCOPED_TRACE(row.why);
    const auto policy = FindPolicy("each")->make(PolicyOptions{row.max_chunk});
    Demand demand;
    demand.queued = row.queued;
    demand.pending = row.pending;
    EXPECT_EQ(policy->Next(demand).tests, row.portion);
  }
}

}  // namespace
}  // namespace dist
