// Queues that shrink towards the end, neither longer than a horizon nor shorter
// than a round trip needs.
//
// Guided self-scheduling (Polychronopoulos and Kuck, 1987) with half of the
// fair share instead of all of it, measured in expected time: a worker's queue
// is filled up to that, and again when half of it is done. A slow test is not
// sent ahead: longest first would become longest behind longest. Only where the
// round trip is not small beside it does one wait for the worker there.
#include <algorithm>
#include <cmath>

#include "core/schedule/policy.h"

namespace dist {
namespace {

// The most work in a queue: more would only have to be moved.
constexpr absl::Duration kHorizon = absl::Milliseconds(250);
// The least, beside what the round trip needs. What is left of it in one queue
// when another runs dry is not worth moving.
constexpr absl::Duration kFloor = absl::Milliseconds(10);
// So many round trips of work: half of it is there while an answer to half of
// it being done is under way.
constexpr int kTrips = 3;
// The first lease, when nothing is known of the tests yet. Should they be slow,
// more would have to be moved.
constexpr size_t kFirst = 2;
// A round trip is small beside a test that takes so many times as long.
constexpr int kSmall = 20;

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
    const auto workers =
        static_cast<double>(std::max<size_t>(demand.workers, 1));
    const absl::Duration share = demand.pending_time / workers;
    const absl::Duration floor = kFloor + kTrips * demand.round_trip;
    const absl::Duration depth =
        std::clamp(share / 2, floor, std::max(kHorizon, floor));
    if (demand.queued == 0) return {demand.pending, Within(depth, share)};
    // The last tests are for those who have nothing.
    if (demand.pending <= demand.idle) return {};
    if (demand.queued_time < depth / 2) {
      return {demand.pending, Within(depth - demand.queued_time, share)};
    }
    return WaitsLong(demand) ? Portion{1, absl::InfiniteDuration()} : Portion();
  }

  // Who is asked first may not take what is left for all.
  static absl::Duration Within(absl::Duration time, absl::Duration share) {
    return std::min(time, std::max(share, kFloor));
  }

  // Whether the worker would wait for its next test for a good part of the time
  // that the only one it has takes.
  static bool WaitsLong(const Demand& demand) {
    return demand.queued == 1 && demand.pending > demand.workers &&
           kSmall * demand.round_trip > demand.queued_time;
  }

  const size_t max_chunk_;
};

}  // namespace

std::unique_ptr<Policy> MakePortionsPolicy(const PolicyOptions& options) {
  return std::make_unique<PortionsPolicy>(options);
}

}  // namespace dist
