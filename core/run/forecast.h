// What a run would be: the run machine itself, with workers that take the
// expected time, in virtual time.
#ifndef DIST_CORE_RUN_FORECAST_H_
#define DIST_CORE_RUN_FORECAST_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "core/model/node_messages.h"
#include "core/run/run_plan.h"

namespace dist {

struct ForecastWorker {
  std::string name;
  std::string host;
  size_t tests = 0;
  absl::Duration busy;
  std::vector<std::string> first;  // The first tests it runs.
};

struct Forecast {
  std::vector<ForecastWorker> workers;  // By slot.
  absl::Duration makespan;              // Until the last test ends.
  size_t tests = 0;                     // Times platforms under `each`.
  absl::Duration total;
  absl::Duration longest;
  std::string longest_id;

  // No assignment can be shorter: an even share of all, the longest test, or
  // under `each` what the busiest worker has to do.
  absl::Duration bound;
};

// How long a test takes on a worker.
using DurationOf = std::function<absl::Duration(const PlannedWorker& worker,
                                                const std::string& id)>;

// Runs `plan` as if its workers had collected `lists` (by platform; only ids
// and groups count) at time zero, with links that take no time.
Forecast MakeForecast(RunPlan plan, absl::Span<const CollectionListed> lists,
                      const DurationOf& duration_of);

}  // namespace dist

#endif  // DIST_CORE_RUN_FORECAST_H_
