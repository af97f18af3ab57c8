#include "core/report/findings.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/core/report/report_testing.h"

namespace dist {
namespace {

TEST(ReportChars, ResolveAsPytestDoes) {
  struct Row {
    const char* why;
    const char* given;
    const char* want;
  };
  for (const Row& row :
       {Row{"none given", "", "fE"}, Row{"given ones replace", "s", "s"},
        Row{"old aliases", "FS", "fs"}, Row{"all but passed", "a", "sxXEf"},
        Row{"all", "A", "PpsxXEf"}, Row{"N starts anew", "aNs", "s"},
        Row{"nothing", "N", ""}, Row{"twice is once", "ss", "s"}}) {
    EXPECT_EQ(ResolveReportChars(row.given), row.want) << row.why;
  }
}

TEST(BadReports, AreMadeUpWhenNoneCame) {
  const TestJudged lost = Judged(0, "t.py::a", Verdict::kLost);
  ASSERT_EQ(BadReports(lost).size(), 1u);
  EXPECT_EQ(BadReports(lost)[0].longrepr, "no host was left to run it");
  EXPECT_TRUE(BadReports(Judged(0, "t.py::a", Verdict::kPassed)).empty());
}

TEST(Findings, SayACollectorsErrorOnce) {
  const Roster roster;
  Findings findings({}, roster);
  CollectorFailed failed;
  failed.report = Failure("t.py", "ImportError: x", Verdict::kError);
  findings.On(failed);
  failed.worker = "gw1";
  findings.On(failed);
  EXPECT_EQ(findings.errors().size(), 1u);
  failed.report.longrepr = "something else on this host";
  findings.On(failed);
  EXPECT_EQ(findings.errors().size(), 2u);
}

}  // namespace
}  // namespace dist
