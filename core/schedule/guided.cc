#include "core/schedule/guided.h"

#include <algorithm>

namespace dist {
namespace {

// The least work in a queue, beside what the round trip needs. What is left of
// it in one queue when another runs dry is not worth moving.
constexpr absl::Duration kFloor = absl::Milliseconds(10);
// So many round trips of work: half of it is there while an answer to half of
// it being done is under way.
constexpr int kTrips = 3;
// A round trip is small beside a test that takes so many times as long.
constexpr int kSmall = 20;

// Who is asked first may not take what is left for all.
absl::Duration Within(absl::Duration time, absl::Duration share) {
  return std::min(time, std::max(share, kFloor));
}

// Whether the worker would wait for its next test for a good part of the time
// that the only one it has takes.
bool WaitsLong(const Demand& demand) {
  return demand.queued == 1 && demand.pending > demand.workers &&
         kSmall * demand.round_trip > demand.queued_time;
}

}  // namespace

Portion NextGuided(const Demand& demand, absl::Duration horizon) {
  const auto workers = static_cast<double>(std::max<size_t>(demand.workers, 1));
  const absl::Duration share = demand.pending_time / workers;
  const absl::Duration floor = kFloor + kTrips * demand.round_trip;
  const absl::Duration depth =
      std::clamp(share / 2, floor, std::max(horizon, floor));
  if (demand.queued == 0) return {demand.pending, Within(depth, share)};
  // The last tests are for those who have nothing.
  if (demand.pending <= demand.idle) return {};
  if (demand.queued_time < depth / 2) {
    return {demand.pending, Within(depth - demand.queued_time, share)};
  }
  return WaitsLong(demand) ? Portion{1, absl::InfiniteDuration()} : Portion();
}

}  // namespace dist
