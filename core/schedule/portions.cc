// Queues that shrink towards the end, neither longer than a horizon nor shorter
// than a round trip needs.
//
// Guided self-scheduling (Polychronopoulos and Kuck, 1987) with half of the
// fair share instead of all of it, measured in expected time: a worker's queue
// is filled up to that, and again when half of it is done. A slow test is not
// sent ahead: longest first would become longest behind longest, and its round
// trip is small beside it.
#include <algorithm>
#include <cmath>

#include "core/schedule/policy.h"

namespace dist {
namespace {

// The most work in a queue: more would only have to be moved.
constexpr absl::Duration kHorizon = absl::Milliseconds(250);
// The least: half of it hides a round trip. What is left of it in one queue
// when another runs dry is not worth moving.
constexpr absl::Duration kFloor = absl::Milliseconds(10);
// The first lease, when nothing is known of the tests yet.
constexpr size_t kFirst = 16;

class PortionsPolicy : public Policy {
 public:
  explicit PortionsPolicy(const PolicyOptions& options)
      : max_chunk_(options.max_chunk) {}

  Portion Next(const Demand& demand) const override {
    if (demand.pending == 0) return {};
    Portion portion = demand.pending_time > absl::ZeroDuration()
                          ? ByTime(demand)
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

  static Portion ByTime(const Demand& demand) {
    const auto parts =
        static_cast<double>(2 * std::max<size_t>(demand.workers, 1));
    const absl::Duration depth =
        std::clamp(demand.pending_time / parts, kFloor, kHorizon);
    if (demand.queued > 0 && demand.queued_time >= depth / 2) return {};
    // The last tests are for those who have nothing.
    if (demand.queued > 0 && demand.pending <= demand.idle) return {};
    return {demand.pending, depth - demand.queued_time};
  }

  const size_t max_chunk_;
};

}  // namespace

std::unique_ptr<Policy> MakePortionsPolicy(const PolicyOptions& options) {
  return std::make_unique<PortionsPolicy>(options);
}

}  // namespace dist
