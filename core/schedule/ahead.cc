// For workers that share nothing: the only question is how far ahead to send.
#include <algorithm>

#include "core/schedule/policy.h"

namespace dist {
namespace {

constexpr size_t kAhead = 1000;

class AheadPolicy : public Policy {
 public:
  explicit AheadPolicy(const PolicyOptions& options)
      : chunk_(options.max_chunk == 0 ? kAhead : options.max_chunk) {}

  Portion Next(const Demand& demand) const override {
    if (demand.queued > chunk_ / 2) return {};
    return {std::min(demand.pending, chunk_), absl::InfiniteDuration()};
  }

 private:
  const size_t chunk_;
};

}  // namespace

std::unique_ptr<Policy> MakeAheadPolicy(const PolicyOptions& options) {
  return std::make_unique<AheadPolicy>(options);
}

}  // namespace dist
