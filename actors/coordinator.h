// The coordinator: the shell around the run machine.
#ifndef DIST_ACTORS_COORDINATOR_H_
#define DIST_ACTORS_COORDINATOR_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "actors/fetch_plan.h"
#include "actors/sync_plan.h"
#include "core/report/reporter.h"
#include "core/run/run_command.h"
#include "core/run/run_plan.h"
#include "transports/transport.h"

namespace dist {

// A run that is going on, in an actor system of its own.
class Coordinator {
 public:
  struct Setup {
    RunPlan plan;
    std::vector<HostAddress> addresses;  // By HostId.
    // Called on the coordinator's thread only. Not owned.
    std::vector<Reporter*> reporters;
    absl::Duration tick;  // How often reporters are ticked.
    SyncPlan sync;        // Without blocks: nothing is synced.
    FetchPlan fetch;      // Without a folder: nothing is fetched.
  };

  // Starts at once. Call it before any other thread is made: signals that end
  // a run are blocked here and turned into messages.
  explicit Coordinator(Setup setup);
  // Waits for the actors.
  ~Coordinator();
  Coordinator(const Coordinator&) = delete;
  Coordinator& operator=(const Coordinator&) = delete;

  // Blocks until the run has ended and no process of it is left here.
  EndRun Wait();

  // Ctrl-C, from any thread; the second one kills.
  void RequestStop(const std::string& why);

 private:
  struct Parts;
  const std::unique_ptr<Parts> parts_;
};

}  // namespace dist

#endif  // DIST_ACTORS_COORDINATOR_H_
