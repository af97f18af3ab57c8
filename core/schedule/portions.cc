// Portions that shrink towards the end, no queue longer than a horizon.
//
// Guided self-scheduling (Polychronopoulos and Kuck, 1987) with half of the
// fair share instead of all of it, measured in expected time. A slow test is
// not sent ahead: longest first would become longest behind longest, and its
// round trip is small beside it.
#include <algorithm>
#include <cmath>

#include "core/schedule/policy.h"

namespace dist {
namespace {

// A queue is filled to this much work and refilled at half of it. Long enough
// to hide a round trip, short enough that little has to move at the end.
constexpr absl::Duration kHorizon = absl::Milliseconds(250);
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
    if (demand.queued > 0 && demand.queued_time >= kHorizon / 2) return {};
    // The last tests are for those who have nothing.
    if (demand.queued > 0 && demand.pending <= demand.idle) return {};
    const auto parts =
        static_cast<double>(2 * std::max<size_t>(demand.workers, 1));
    return {demand.pending, std::min(kHorizon - demand.queued_time,
                                     demand.pending_time / parts)};
  }

  const size_t max_chunk_;
};

}  // namespace

std::unique_ptr<Policy> MakePortionsPolicy(const PolicyOptions& options) {
  return std::make_unique<PortionsPolicy>(options);
}

}  // namespace dist
