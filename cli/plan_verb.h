// `dist plan`: who would run what, and how long it would take.
#ifndef DIST_CLI_PLAN_VERB_H_
#define DIST_CLI_PLAN_VERB_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/hosts.h"
#include "cli/plan.h"
#include "core/history/history.h"
#include "core/model/node_messages.h"
#include "core/report/reporter.h"

namespace dist {

// What the user wants to know.
struct PlanQuestion {
  bool help = false;
  PlannedRun collecting;  // The run that lists the tests.
  RunPlan plan;           // The run to predict, without estimates.
  History history;
  std::vector<std::string> notices;
  std::vector<int> hosts;    // --what-if hosts=4,8
  std::vector<int> workers;  // --what-if workers=4,8
};

// `args` as typed, without the verb. Errors are the user's. `arrivals`: as of
// MakePlan.
absl::StatusOr<PlanQuestion> ReadPlanQuestion(
    const std::vector<std::string>& args, const Screen& screen,
    const Arrivals& arrivals = {});

// Hears a --collect-only run.
class TestLister : public Reporter {
 public:
  void OnEvent(const RunEvent& event) override;

  // By platform; only ids.
  const std::vector<CollectionListed>& lists() const { return lists_; }
  absl::Duration took() const { return ended_ - began_; }
  // One text each: what went wrong.
  const std::vector<std::string>& troubles() const { return troubles_; }

 private:
  absl::Time began_;
  absl::Time ended_;
  std::vector<CollectionListed> lists_;
  std::vector<std::string> troubles_;
};

// The answer, for people.
std::string DescribePlan(const PlanQuestion& question,
                         const TestLister& lister);

}  // namespace dist

#endif  // DIST_CLI_PLAN_VERB_H_
