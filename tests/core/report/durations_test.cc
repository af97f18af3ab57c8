#include "core/report/durations.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "tests/core/report/report_testing.h"

namespace dist {
namespace {

ReportOptions Plain() {
  ReportOptions options;
  options.version = "0.1.0";
  options.columns = 60;
  return options;
}

TEST(Durations, GroupsWarningsAndListsDurations) {
  ReportOptions options = Plain();
  options.verbosity = -1;
  options.durations = 2;
  Bench bench("terminal", options);
  WarningShown warning;
  warning.warning.message = "old";
  warning.warning.category = "DeprecationWarning";
  warning.warning.filename = "/src/proj/t.py";
  warning.warning.line = 7;
  warning.warning.nodeid = "t.py::a";
  bench.Tell(Started(), warning);
  warning.warning.nodeid = "t.py::b";
  bench.Tell(warning);
  TestJudged slow = Judged(0, "t.py::a", Verdict::kPassed);
  slow.micros = {1, 120000, 3};
  bench.Tell(slow, Judged(1, "t.py::b", Verdict::kPassed),
             Ended({{Verdict::kPassed, 2}}));
  EXPECT_EQ(bench.out.text,
            R"(===================== warnings summary =====================
t.py::a
t.py::b
  /src/proj/t.py:7: DeprecationWarning: old

-- Docs: https://docs.pytest.org/en/stable/how-to/capture-warnings.html
=================== slowest 2 durations ====================
0.12s call     t.py::a

(1 durations < 0.005s hidden.  Use -vv to show these durations.)
2 passed, 2 warnings in 3.21s
)");
}

TEST(Durations, AreAllKeptWhenAllAreAskedFor) {
  ReportOptions options = Plain();
  options.verbosity = -1;
  options.durations = 0;
  options.durations_min = 0;
  Bench bench("terminal", options);
  bench.Tell(Judged(0, "t.py::a", Verdict::kPassed),
             Ended({{Verdict::kPassed, 1}}));
  EXPECT_TRUE(absl::StrContains(bench.out.text,
                                "slowest durations =====================\n"
                                "0.00s call     t.py::a\n"
                                "0.00s setup    t.py::a\n"
                                "0.00s teardown t.py::a\n"));
}

}  // namespace
}  // namespace dist
