#include "core/report/junit_case.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/report/junit.h"
#include "tests/core/report/report_testing.h"

namespace dist {
namespace {

TEST(MangleNodeId, IsPytests) {
  struct Row {
    const char* why;
    const char* id;
    const char* classname;
    const char* name;
  };
  for (const Row& row :
       {Row{"function", "a/b/t.py::test", "a.b.t", "test"},
        Row{"class", "t.py::A::B::test", "t.A.B", "test"},
        Row{"parameters are not split", "t.py::t[a::b/c.py]", "t",
            "t[a::b/c.py]"},
        Row{"collector", "sub/test_coll.py", "", "sub.test_coll"},
        Row{"only the end is the suffix", "a.pyx/t.py::t", "a.pyx.t", "t"},
        Row{"not Python", "Suite.Case", "", "Suite.Case"},
        Row{"nothing", "", "", ""}}) {
    const JunitName name = MangleNodeId(row.id);
    EXPECT_EQ(name.classname, row.classname) << row.why;
    EXPECT_EQ(name.name, row.name) << row.why;
  }
}

TEST(MangleNodeId, TakesAViewOfNothing) {
  EXPECT_EQ(MangleNodeId(absl::string_view()).name, "");
}

std::string Xml(Verdict verdict, std::vector<PhaseReport> reports) {
  JunitDetails details;
  details.reports = std::move(reports);
  JunitCase test;
  test.nodeid = "t.py::a";
  test.verdict = verdict;
  test.micros = 3500;
  test.details = &details;
  std::string xml = JunitCaseXml(test);
  const std::string properties =
      "<properties><property name=\"attempt\" value=\"1\" /></properties>";
  const std::string head =
      "<testcase classname=\"t\" name=\"a\" time=\"0.004\">" + properties;
  EXPECT_EQ(xml.substr(0, head.size()), head);
  return xml.substr(head.size(), xml.size() - head.size() - 11);
}

PhaseReport Crash(Verdict verdict, const std::string& message) {
  PhaseReport report = Report("", verdict);
  report.crash_message = message;
  return report;
}

TEST(JunitCaseXml, IsPytestsForEachOutcome) {
  PhaseReport skip = Report("", Verdict::kSkipped, Phase::kSetup);
  skip.reason = "no way";
  skip.longrepr = "/p/t.py:18: Skipped: no way";
  PhaseReport xfail = Report("", Verdict::kXfailed);
  xfail.reason = "reason: bug 1";
  PhaseReport strict = Report("", Verdict::kFailed);
  strict.longrepr = "[XPASS(strict)] bug 3";
  const PhaseReport call = Failure("", "assert 1 == 2");
  const PhaseReport setup =
      Failure("", "ValueError: boo", Verdict::kError, Phase::kSetup);
  const PhaseReport teardown =
      Failure("", "ValueError: td", Verdict::kError, Phase::kTeardown);
  struct Row {
    const char* why;
    Verdict verdict;
    std::vector<PhaseReport> reports;
    const char* want;
  };
  for (const Row& row : std::vector<Row>{
           {"passed", Verdict::kPassed, {}, ""},
           {"xpassed counts as passed", Verdict::kXpassed, {}, ""},
           {"failed",
            Verdict::kFailed,
            {call},
            "<failure message=\"assert 1 == 2\">longrepr of assert 1 == 2"
            "</failure>"},
           {"xpassed though strict",
            Verdict::kFailed,
            {strict},
            "<failure message=\"[XPASS(strict)] bug 3\">[XPASS(strict)] bug 3"
            "</failure>"},
           {"setup",
            Verdict::kError,
            {setup},
            "<error message=\"failed on setup with &quot;ValueError: boo"
            "&quot;\">longrepr of ValueError: boo</error>"},
           {"call and teardown are one testcase",
            Verdict::kFailed,
            {call, teardown},
            "<failure message=\"assert 1 == 2\">longrepr of assert 1 == 2\n\n"
            "failed on teardown with \"ValueError: td\"\n"
            "longrepr of ValueError: td</failure>"},
           {"skipped",
            Verdict::kSkipped,
            {skip},
            "<skipped type=\"pytest.skip\" message=\"no way\">"
            "/p/t.py:18: no way</skipped>"},
           {"xfailed",
            Verdict::kXfailed,
            {xfail},
            "<skipped type=\"pytest.xfail\" message=\"bug 1\" />"},
           {"crashed",
            Verdict::kCrashed,
            {Crash(Verdict::kCrashed, "SIGSEGV")},
            "<error type=\"dist.crashed\" message=\"crashed: SIGSEGV\" />"},
           {"timeout",
            Verdict::kTimeout,
            {Crash(Verdict::kTimeout, "timeout: over 3 s")},
            "<error type=\"dist.timeout\" message=\"timeout: over 3 s\" />"},
           {"lost never looks like passed",
            Verdict::kLost,
            {},
            "<error type=\"dist.lost\" message=\"lost: no host was left to "
            "run it\" />"}}) {
    EXPECT_EQ(Xml(row.verdict, row.reports), row.want) << row.why;
  }
}

}  // namespace
}  // namespace dist
