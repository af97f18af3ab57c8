// Queues that shrink towards the end (guided.h). While nothing is known of the
// tests, a few at a time.
#include <algorithm>

#include "core/schedule/guided.h"
#include "core/schedule/policy.h"

namespace dist {
namespace {

constexpr absl::Duration kHorizon = absl::Milliseconds(250);
// The first lease, when nothing is known of the tests yet. Should they be slow,
// more would have to be moved.
constexpr size_t kFirst = 2;

class PortionsPolicy : public Policy {
 public:
  explicit PortionsPolicy(const PolicyOptions& options)
      : max_chunk_(options.max_chunk) {}

  Portion Next(const Demand& demand) const override {
    if (demand.pending == 0) return {};
    Portion portion = demand.pending_time > absl::ZeroDuration()
                          ? NextGuided(demand, kHorizon)
                          : ByCount(demand);
    if (max_chunk_ > 0) portion.tests = std::min(portion.tests, max_chunk_);
    return portion;
  }

 private:
  static Portion ByCount(const Demand& demand) {
    if (demand.queued > 0) return {};
    const size_t parts = 2 * std::max<size_t>(demand.workers, 1);
    return {std::min(kFirst, (demand.pending + parts - 1) / parts),
            absl::InfiniteDuration()};
  }

  const size_t max_chunk_;
};

}  // namespace

std::unique_ptr<Policy> MakePortionsPolicy(const PolicyOptions& options) {
  return std::make_unique<PortionsPolicy>(options);
}

}  // namespace dist
