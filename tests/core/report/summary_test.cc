#include "core/report/summary.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/core/report/report_testing.h"

namespace dist {
namespace {

ReportOptions Plain() {
  ReportOptions options;
  options.version = "0.1.0";
  options.columns = 60;
  return options;
}

TEST(ShortSummary, FoldsSkipsAndShowsWhatRAsks) {
  ReportOptions options = Plain();
  options.report_chars = "A";
  options.verbosity = -1;
  Bench bench("terminal", options);
  PhaseReport skip = Report("", Verdict::kSkipped, Phase::kSetup);
  skip.crash_path = "/src/proj/t.py";
  skip.crash_line = 20;
  skip.reason = "no net";
  PhaseReport xfail = Report("", Verdict::kXfailed);
  xfail.reason = "bug 1";
  PhaseReport xpass = Report("", Verdict::kXpassed);
  xpass.reason = "bug 2";
  VerdictAmended amended;
  amended.test = TestIndex(6);
  amended.platform = PlatformId(0);
  amended.id = Intern("t.py::g");
  amended.before = Verdict::kPassed;
  amended.report = Failure("t.py::g", "ValueError: shared", Verdict::kError,
                           Phase::kTeardown);
  bench.Tell(Started(), Judged(0, "t.py::a", Verdict::kPassed),
             Judged(1, "t.py::b", Verdict::kSkipped, {skip}),
             Judged(2, "t.py::c", Verdict::kSkipped, {skip}),
             Judged(3, "t.py::d", Verdict::kXfailed, {xfail}),
             Judged(4, "t.py::e", Verdict::kXpassed, {xpass}),
             Judged(5, "t.py::f", Verdict::kLost),
             Judged(6, "t.py::g", Verdict::kPassed), amended);
  bench.Tell(Ended({{Verdict::kPassed, 1}, {Verdict::kLost, 1}}));
  const size_t start = bench.out.text.find("PASSED");
  EXPECT_EQ(bench.out.text.substr(start), R"(PASSED t.py::a
SKIPPED [2] t.py:20: no net
XFAIL t.py::d - bug 1
XPASS t.py::e bug 2
ERROR t.py::g - ValueError: shared
LOST t.py::f
1 passed, 1 lost in 3.21s
)");
}

}  // namespace
}  // namespace dist
