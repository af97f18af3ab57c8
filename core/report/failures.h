// The sections ERRORS, FAILURES and PASSES of a terminal report.
#ifndef DIST_CORE_REPORT_FAILURES_H_
#define DIST_CORE_REPORT_FAILURES_H_

#include <string>

#include "absl/strings/string_view.h"
#include "core/report/findings.h"
#include "core/report/page.h"
#include "core/report/roster.h"

namespace dist {

// pytest's name for a test in a title: "TestA.test_b[x]" of
// "test_a.py::TestA::test_b[x]"; an id without "::" is its own title.
std::string TitleOf(absl::string_view nodeid);

class FailureSections {
 public:
  // `tb` is --tb: "no" prints nothing, "line" a line a failure.
  FailureSections(std::string tb, Page& page, const Roster& roster);

  void PrintErrors(const Findings& findings);
  void PrintFailures(const Findings& findings);
  void PrintPasses(const Findings& findings);

 private:
  void PrintSections(absl::string_view title,
                     const std::vector<Finding>& findings);
  void PrintOne(const Finding& finding);
  void PrintCaptured(const PhaseReport& report, absl::string_view only);
  void PrintText(absl::string_view text);

  const std::string tb_;
  Page& page_;
  const Roster& roster_;
};

}  // namespace dist

#endif  // DIST_CORE_REPORT_FAILURES_H_
