// From a command line to what the coordinator runs.
#ifndef DIST_CLI_PLAN_H_
#define DIST_CLI_PLAN_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "actors/fetch_plan.h"
#include "actors/sync_plan.h"
#include "cli/hosts.h"
#include "cli/options.h"
#include "core/run/run_plan.h"
#include "transports/transport.h"

namespace dist {

// What the command line, the environment and the project's files say together.
struct Request {
  Options options;
  std::string rootdir;  // Absolute.
  std::string inifile;  // Relative to rootdir; may be empty.
};

// Reads PYTEST_ADDOPTS, the project's ini file and dist.toml. `args` as the
// user typed them, without the verb. Errors are the user's: exit status 4.
absl::StatusOr<Request> ReadRequest(const std::vector<std::string>& args);

// How the user sees the output.
struct Screen {
  bool color = false;
  size_t columns = 80;
};

struct PlannedRun {
  RunPlan plan;
  std::vector<HostAddress> addresses;  // By HostId.
  std::string history;  // Path of the project's history; empty: none is kept.
  SyncPlan sync;        // Without blocks: nothing is synced.
  FetchPlan fetch;      // Without a folder: nothing is fetched.
  std::vector<std::string> notices;  // For the user, before it starts.
};

// Whether known durations decide who runs what: the longest first helps where
// workers share the tests; a single one, and each of `each`, keeps the order of
// pytest.
bool UsesDurations(const RunPlan& plan);

// Resolves hosts, workers and their arguments, and reads what is to be synced.
// Contacts nothing. Errors: what this version cannot do, what does not exist or
// cannot be read (exit status 4). Without `arrivals` the plan is one to check,
// if hosts are to come (cli/arrivals.h).
absl::StatusOr<PlannedRun> MakePlan(const Request& request,
                                    const std::vector<std::string>& args,
                                    const Screen& screen,
                                    const Arrivals& arrivals = {});

}  // namespace dist

#endif  // DIST_CLI_PLAN_H_
