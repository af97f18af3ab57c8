// pytest-xdist's worksteal: what is pending is split evenly over the idle
// workers at once, in consecutive blocks; stealing evens out the rest.
//
// Where durations are known the longest tests come first, and the first block
// would hold nothing but those, one behind the other. So half is split at once,
// half of the rest when that is half done, and so on (guided.h).
#include <algorithm>

#include "core/schedule/guided.h"
#include "core/schedule/policy.h"

namespace dist {
namespace {

class SplitPolicy : public Policy {
 public:
  explicit SplitPolicy(const PolicyOptions& options)
      : max_chunk_(options.max_chunk) {}

  Portion Next(const Demand& demand) const override {
    if (demand.pending == 0) return {};
    Portion portion = demand.foreseen
                          ? NextGuided(demand, absl::InfiniteDuration())
                          : Evenly(demand);
    if (max_chunk_ > 0) portion.tests = std::min(portion.tests, max_chunk_);
    return portion;
  }

 private:
  static Portion Evenly(const Demand& demand) {
    if (demand.queued > 0) return {};
    const size_t idle = std::max<size_t>(demand.idle, 1);
    return {(demand.pending + idle - 1) / idle, absl::InfiniteDuration()};
  }

  const size_t max_chunk_;
};

}  // namespace

std::unique_ptr<Policy> MakeSplitPolicy(const PolicyOptions& options) {
  return std::make_unique<SplitPolicy>(options);
}

}  // namespace dist
