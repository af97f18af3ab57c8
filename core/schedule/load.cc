// `load`: any worker may run any test; portions shrink towards the end.
//
// Guided self-scheduling (Polychronopoulos and Kuck, 1987) with half of the
// fair share instead of all of it, and with a horizon in time: a queue is never
// longer than what its worker does in kHorizon, so one unlucky portion of slow
// tests cannot hold up the end of the run.
#include <algorithm>
#include <cmath>

#include "core/schedule/policy.h"

namespace dist {
namespace {

// A queue is filled to this much work and refilled at half of it. Long enough
// to hide a round trip, short enough not to matter at the end.
constexpr absl::Duration kHorizon = absl::Milliseconds(250);
// Tests longer than this are leased one by one: a round trip is small to them.
constexpr absl::Duration kLong = absl::Milliseconds(100);
// The first lease, when nothing is known of the tests yet.
constexpr size_t kFirst = 16;

class LoadPolicy : public Policy {
 public:
  explicit LoadPolicy(const PolicyOptions& options)
      : max_chunk_(options.max_chunk) {}

  size_t Portion(const Demand& demand) const override {
    if (demand.pending == 0) return 0;
    const size_t room = Room(demand);
    if (room == 0) return 0;
    const size_t workers = std::max<size_t>(demand.workers, 1);
    const size_t share = (demand.pending + 2 * workers - 1) / (2 * workers);
    const size_t portion = std::max<size_t>(1, std::min(room, share));
    return max_chunk_ == 0 ? portion : std::min(portion, max_chunk_);
  }

 private:
  // How many tests the queue can take; 0 while it is long enough.
  static size_t Room(const Demand& demand) {
    if (demand.mean <= absl::ZeroDuration()) {
      return demand.queued > 0 ? 0 : kFirst;
    }
    if (demand.mean >= kLong) return demand.queued > 0 ? 0 : 1;
    const auto full = static_cast<size_t>(
        std::ceil(absl::FDivDuration(kHorizon, demand.mean)));
    return demand.queued > full / 2 ? 0 : full - demand.queued;
  }

  const size_t max_chunk_;
};

}  // namespace

std::unique_ptr<Policy> MakeLoadPolicy(const PolicyOptions& options) {
  return std::make_unique<LoadPolicy>(options);
}

}  // namespace dist
