// One <testcase> of a JUnit report.
#ifndef DIST_CORE_REPORT_JUNIT_CASE_H_
#define DIST_CORE_REPORT_JUNIT_CASE_H_

#include <string>
#include <utility>
#include <vector>

#include "core/model/report.h"

namespace dist {

// What a test that passed has nothing of.
struct JunitDetails {
  std::vector<PhaseReport> reports;  // Without tries and without `block`.
  bool flaky = false;
};

struct JunitCase {
  absl::string_view nodeid;
  absl::string_view prefix;  // Of the class name: --junit-prefix.
  Verdict verdict = Verdict::kPassed;
  absl::string_view worker;
  absl::string_view host;
  uint32_t attempt = 1;
  uint64_t micros = 0;
  const JunitDetails* details = nullptr;  // May be null.
};

// How a testcase counts in its suite.
enum class JunitOutcome { kPassed, kFailure, kError, kSkipped };
JunitOutcome OutcomeOf(Verdict verdict);

// The element, escaped and complete.
std::string JunitCaseXml(const JunitCase& test);

// A collector that failed or was skipped, as pytest shows it.
std::string JunitCollectorXml(const PhaseReport& report,
                              absl::string_view prefix);

// An error of the framework itself.
std::string JunitInternalErrorXml(absl::string_view text);

}  // namespace dist

#endif  // DIST_CORE_REPORT_JUNIT_CASE_H_
