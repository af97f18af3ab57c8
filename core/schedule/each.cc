// `each`: every worker runs all it has collected. Nothing is shared, so the
// only question is how far ahead to send.
#include <algorithm>

#include "core/schedule/policy.h"

namespace dist {
namespace {

constexpr size_t kAhead = 1000;

class EachPolicy : public Policy {
 public:
  explicit EachPolicy(const PolicyOptions& options)
      : chunk_(options.max_chunk == 0 ? kAhead : options.max_chunk) {}

  size_t Portion(const Demand& demand) const override {
    return demand.queued > chunk_ / 2 ? 0 : std::min(demand.pending, chunk_);
  }

 private:
  const size_t chunk_;
};

}  // namespace

std::unique_ptr<Policy> MakeEachPolicy(const PolicyOptions& options) {
  return std::make_unique<EachPolicy>(options);
}

}  // namespace dist
