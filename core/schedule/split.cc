// pytest-xdist's worksteal: what is pending is split evenly over the idle
// workers at once, in consecutive blocks; stealing evens out the rest.
#include <algorithm>

#include "core/schedule/policy.h"

namespace dist {
namespace {

class SplitPolicy : public Policy {
 public:
  explicit SplitPolicy(const PolicyOptions& options)
      : max_chunk_(options.max_chunk) {}

  Portion Next(const Demand& demand) const override {
    if (demand.pending == 0 || demand.queued > 0) return {};
    const size_t idle = std::max<size_t>(demand.idle, 1);
    const size_t block = (demand.pending + idle - 1) / idle;
    return {max_chunk_ == 0 ? block : std::min(block, max_chunk_),
            absl::InfiniteDuration()};
  }

 private:
  const size_t max_chunk_;
};

}  // namespace

std::unique_ptr<Policy> MakeSplitPolicy(const PolicyOptions& options) {
  return std::make_unique<SplitPolicy>(options);
}

}  // namespace dist
