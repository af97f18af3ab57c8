#include "core/run/judge.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dist {
namespace {

using ::testing::HasSubstr;

struct Row {
  const char* why;
  std::vector<Verdict> phases;
  Verdict verdict;
};

TEST(Judge, TakesTheVerdictThatSaysMostAboutTheTest) {
  for (const Row& row : {
           Row{"no news is good news", {}, Verdict::kPassed},
           Row{"its own failure", {Verdict::kFailed}, Verdict::kFailed},
           Row{"a failure before the error of its teardown",
               {Verdict::kFailed, Verdict::kError},
               Verdict::kFailed},
           Row{"a skip before an error",
               {Verdict::kSkipped, Verdict::kError},
               Verdict::kError},
           Row{"an expected failure", {Verdict::kXfailed}, Verdict::kXfailed},
           Row{"an error after an expected failure",
               {Verdict::kXfailed, Verdict::kError},
               Verdict::kError},
           Row{"output of a passed test", {Verdict::kPassed}, Verdict::kPassed},
       }) {
    SCOPED_TRACE(row.why);
    std::vector<PhaseReport> reports(row.phases.size());
    for (size_t i = 0; i < reports.size(); ++i) {
      reports[i].verdict = row.phases[i];
    }
    EXPECT_EQ(Judge(reports), row.verdict);
  }
}

TEST(Judge, LeavesOutTriesThatTheFrameworkRepeats) {
  std::vector<PhaseReport> reports(2);
  reports[0].verdict = Verdict::kFailed;
  reports[0].rerun = true;
  EXPECT_EQ(Judge(reports), Verdict::kPassed);
  reports[1].verdict = Verdict::kSkipped;
  EXPECT_EQ(Judge(reports), Verdict::kSkipped);
}

TEST(DescribeDeath, SaysHowAndShowsTheLastOutput) {
  WorkerDied died;
  died.how = "SIGSEGV";
  died.micros = 1250000;
  died.last_output = "bye";
  const PhaseReport report = DescribeDeath(died, "gw1", "t.py::a");
  EXPECT_EQ(report.verdict, Verdict::kCrashed);
  EXPECT_EQ(report.crash_message,
            "the test process died: SIGSEGV, 1.25s into the test");
  EXPECT_THAT(report.longrepr, HasSubstr("'gw1' was running 't.py::a'"));
  EXPECT_THAT(report.block, HasSubstr("bye\n"));
  EXPECT_EQ(report.longrepr, report.block) << "reports show the same";
}

TEST(DescribeDeath, KnowsATimeout) {
  WorkerDied died;
  died.cause = DeathCause::kTimeout;
  died.micros = 2000000;
  const PhaseReport report = DescribeDeath(died, "gw1", "a");
  EXPECT_EQ(report.verdict, Verdict::kTimeout);
  EXPECT_EQ(report.crash_message,
            "ran longer than allowed, killed after 2.00s");
}

TEST(DescribeLosses, CountsTheNodes) {
  EXPECT_EQ(DescribeLosses(3, "a").crash_message,
            "3 nodes were lost while it ran");
  EXPECT_EQ(DescribeLosses(3, "a").verdict, Verdict::kCrashed);
}

TEST(DescribeNoRetry, KeepsTheVerdict) {
  const PhaseReport report = DescribeNoRetry(Verdict::kFailed, "a");
  EXPECT_EQ(report.verdict, Verdict::kFailed);
  EXPECT_EQ(report.crash_message,
            "failed, and no worker was left to try it again");
}

}  // namespace
}  // namespace dist
