#include "core/report/progress.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/core/report/report_testing.h"

namespace dist {
namespace {

ReportOptions Plain() {
  ReportOptions options;
  options.version = "0.1.0";
  options.columns = 60;
  return options;
}

TEST(Progress, WrapsLettersAsPytestDoes) {
  Bench bench("terminal", Plain());
  bench.Tell(Started(), Announced(0), Grew(100));
  for (uint32_t i = 0; i < 100; ++i) {
    bench.Tell(Judged(i, absl::StrCat("t.py::t", i), Verdict::kPassed));
  }
  const std::string dots(52, '.');
  EXPECT_TRUE(absl::StrContains(bench.out.text, dots + " [ 52%]\n"));
  EXPECT_TRUE(absl::EndsWith(
      bench.out.text,
      absl::StrCat("\n", std::string(48, '.'), "     [100%]\n")));
}

TEST(Progress, SaysALineATestWithV) {
  ReportOptions options = Plain();
  options.verbosity = 1;
  Bench bench("terminal", options);
  bench.Tell(Started(), Announced(0), Grew(2));
  bench.Tell(Judged(0, "t.py::a", Verdict::kPassed));
  bench.Tell(Judged(1, "t.py::b", Verdict::kCrashed));
  EXPECT_TRUE(absl::EndsWith(bench.out.text,
                             "[gw0] [ 50%] PASSED t.py::a\n"
                             "[gw0] [100%] CRASHED t.py::b\n"));
}

TEST(MarksOf, AreWhatPytestWouldShow) {
  struct Row {
    const char* why;
    Verdict verdict;
    std::vector<PhaseReport> reports;
    const char* letters;
  };
  const PhaseReport setup = Report("", Verdict::kError, Phase::kSetup);
  const PhaseReport call = Report("", Verdict::kFailed);
  const PhaseReport teardown = Report("", Verdict::kError, Phase::kTeardown);
  const PhaseReport quiet = Report("", Verdict::kPassed, Phase::kTeardown);
  PhaseReport custom = Report("", Verdict::kPassed);
  custom.letter = "\x1b[2Jok";
  PhaseReport rerun = call;
  rerun.rerun = true;
  for (const Row& row : std::vector<Row>{
           {"no report at all", Verdict::kPassed, {}, "."},
           {"setup failed", Verdict::kError, {setup}, "E"},
           {"call and teardown failed",
            Verdict::kFailed,
            {call, teardown},
            "FE"},
           {"the call passed before", Verdict::kError, {teardown}, ".E"},
           {"teardown only wrote something", Verdict::kPassed, {quiet}, "."},
           {"a plugin's letter is cleaned and cut",
            Verdict::kPassed,
            {custom},
            "\\x1b"},
           {"a try does not count", Verdict::kPassed, {rerun}, "."},
           {"a crash is one letter", Verdict::kCrashed, {call}, "C"},
           {"lost", Verdict::kLost, {}, "L"}}) {
    TestJudged test;
    test.verdict = row.verdict;
    test.reports = row.reports;
    std::string letters;
    for (const Mark& mark : MarksOf(test)) letters += mark.letter;
    EXPECT_EQ(letters, row.letters) << row.why;
  }
}

}  // namespace
}  // namespace dist
