#include <gtest/gtest.h>

#include <string>

#include "core/report/summary.h"
#include "tests/core/report/report_testing.h"

namespace dist {
namespace {

ReportOptions Plain() {
  ReportOptions options;
  options.version = "0.1.0";
  options.columns = 60;
  return options;
}

TEST(LastLine, StopsWithPytestsLine) {
  Bench bench("terminal", Plain());
  RunEnded ended = Ended({{Verdict::kFailed, 1}}, 75.32);
  ended.unrun = 4;
  bench.Tell(Started(), RunStopping{"stopping after 1 failures"}, ended);
  EXPECT_EQ(bench.out.text, R"(
!!!!!!!!!!!!!!!! stopping after 1 failures !!!!!!!!!!!!!!!!!
========= 1 failed, 4 not run in 75.32s (0:01:15) ==========
)");
}

TEST(LastLine, ColoursLikePytest) {
  ReportOptions options = Plain();
  options.color = true;
  options.verbosity = -1;
  Bench bench("terminal", options);
  bench.Tell(Ended({{Verdict::kFailed, 1}, {Verdict::kPassed, 2}}, 0));
  EXPECT_EQ(bench.out.text,
            "\x1b[31m\x1b[1m1 failed\x1b[0m, \x1b[32m2 passed\x1b[0m"
            "\x1b[31m in 0.00s\x1b[0m\n");
}

TEST(LastLine, SaysNoTestsRan) {
  Bench bench("terminal", Plain());
  bench.Tell(Ended());
  EXPECT_EQ(bench.out.text,
            "\n================== no tests ran in 0.00s "
            "===================\n");
}

TEST(SessionDuration, SaysMinutesInWords) {
  EXPECT_EQ(SessionDuration(absl::Seconds(3.214)), "3.21s");
  EXPECT_EQ(SessionDuration(absl::Seconds(3675.5)), "3675.50s (1:01:15)");
  EXPECT_EQ(SessionDuration(absl::Seconds(90061)),
            "90061.00s (1 day, 1:01:01)");
  EXPECT_EQ(SessionDuration(-absl::Seconds(1)), "0.00s");
}

}  // namespace
}  // namespace dist
