// Queues that shrink towards the end, neither longer than a horizon nor shorter
// than a round trip needs.
//
// Guided self-scheduling (Polychronopoulos and Kuck, 1987) with half of the
// fair share instead of all of it, measured in expected time: a worker's queue
// is filled up to that, and again when half of it is done. A slow test is not
// sent ahead: longest first would become longest behind longest. Only where the
// round trip is not small beside it does one wait for the worker there.
#ifndef DIST_CORE_SCHEDULE_GUIDED_H_
#define DIST_CORE_SCHEDULE_GUIDED_H_

#include "absl/time/time.h"
#include "core/schedule/policy.h"

namespace dist {

// What to lease next, where times are known. `horizon`: the most work in a
// queue; more would only have to be moved.
Portion NextGuided(const Demand& demand, absl::Duration horizon);

}  // namespace dist

#endif  // DIST_CORE_SCHEDULE_GUIDED_H_
