// `dist doctor`: what the hosts are like, and whether tests could run there.
#ifndef DIST_CLI_DOCTOR_VERB_H_
#define DIST_CLI_DOCTOR_VERB_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "actors/doctor.h"
#include "cli/hosts.h"
#include "core/model/exit_status.h"

namespace dist {

struct Examination {
  // One line of the answer: an interpreter on a host. Row i is
  // setup.workers[i].
  struct Row {
    std::string name;
    bool asked = true;  // False: only there to be compared with.
    bool here = false;  // On this machine: nothing need be kept there.
  };

  bool help = false;
  Doctor::Setup setup;
  std::vector<Row> rows;
  size_t local = 0;  // The row of this machine.
};

// `args` as typed, without the verb: --tx, --ssh and what says where. Contacts
// nothing. Errors are the user's. `arrivals`: as of MakePlan.
absl::StatusOr<Examination> PlanExamination(
    const std::vector<std::string>& args, const Arrivals& arrivals = {});

// The answer, for people: a table, then a line for each trouble.
std::string DescribeFindings(const Examination& examination,
                             const DoctorFindings& findings);

// Of the rows that were asked for: kOk if tests can run on all, kNoHost if on
// none, else kIncomplete.
ExitStatus StatusOf(const Examination& examination,
                    const DoctorFindings& findings);

}  // namespace dist

#endif  // DIST_CLI_DOCTOR_VERB_H_
