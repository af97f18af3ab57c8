// What a run is asked to do, fixed before anything is contacted.
#ifndef DIST_CORE_RUN_RUN_PLAN_H_
#define DIST_CORE_RUN_RUN_PLAN_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "core/model/ids.h"
#include "core/model/node_messages.h"
#include "core/run/estimates.h"

namespace dist {

struct PlannedHost {
  std::string name;  // As the user knows it.
  // How many times as long as the estimates say tests take there, as far as
  // earlier runs know.
  double pace = 1;
};

// One slot: a place where one worker after another (after crashes) runs.
struct PlannedWorker {
  HostId host;
  PlatformId platform;
  // Slots of one kin were specified alike and so collect the same tests: the
  // run need not wait for all of them.
  uint32_t kin = 0;
  WorkerSetup setup;
};

// Which of the collected tests run, and in which order.
struct Selection {
  enum class Kind { kAll, kLastFailed, kFailedFirst };
  Kind kind = Kind::kAll;
  absl::flat_hash_set<std::string> failed;  // Of the last run.
};

struct RunPlan {
  std::string mode;  // A name of the policy table.
  std::string rootdir;
  std::string inifile;
  std::vector<PlannedHost> hosts;      // By HostId.
  std::vector<PlannedWorker> workers;  // By slot.
  std::vector<std::string> platforms;  // By PlatformId; at least one.
  size_t max_chunk = 0;                // --maxschedchunk.
  bool reorder = true;                 // Large bundles first.
  bool strict_collection = false;      // A run whose collections differ fails.
  bool require_all_hosts = false;      // One that cannot be used ends the run.
  size_t maxfail = 0;                  // 0: no limit.
  size_t max_restarts = 0;             // Worker replacements, all together.
  uint32_t retries = 0;                // Of failed tests.
  bool collect_only = false;
  Selection selection;
  Estimates estimates;
  absl::Duration grace = absl::Seconds(10);  // Before a stop gets harder.
};

}  // namespace dist

#endif  // DIST_CORE_RUN_RUN_PLAN_H_
