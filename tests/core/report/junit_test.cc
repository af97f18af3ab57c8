#include "core/report/junit.h"

#include <gtest/gtest.h>

#include <pugixml.hpp>
#include <string>

#include "tests/core/report/report_testing.h"

namespace dist {
namespace {

pugi::xml_document Parse(const std::string& text) {
  pugi::xml_document document;
  const pugi::xml_parse_result result =
      document.load_buffer(text.data(), text.size(), pugi::parse_full);
  EXPECT_TRUE(result) << result.description() << " at " << result.offset;
  return document;
}

TEST(Junit, WritesNothingBeforeTheEnd) {
  Bench bench("junit");
  bench.Tell(Started(), Judged(0, "t.py::a", Verdict::kPassed));
  EXPECT_EQ(bench.out.text, "");
}

TEST(Junit, CountsLikePytest) {
  ReportOptions options;
  options.hostname = "here";
  Bench bench("junit", options);
  CollectorFailed collector;
  collector.platform = PlatformId(0);
  collector.report =
      Failure("sub/t.py", "ImportError", Verdict::kError, Phase::kCollect);
  bench.Tell(Started(), Announced(0), collector, collector,
             Judged(0, "t.py::a", Verdict::kPassed),
             Judged(1, "t.py::b", Verdict::kFailed, {Failure("", "x")}),
             Judged(2, "t.py::c", Verdict::kXfailed),
             Judged(3, "t.py::d", Verdict::kCrashed),
             InternalErrorShown{"gw0", "boo"}, Ended());
  const pugi::xml_document document = Parse(bench.out.text);
  const pugi::xml_node suite = document.child("testsuites").first_child();
  EXPECT_STREQ(suite.attribute("name").value(), "pytest");
  EXPECT_STREQ(suite.attribute("tests").value(), "6");
  EXPECT_STREQ(suite.attribute("errors").value(), "3");
  EXPECT_STREQ(suite.attribute("failures").value(), "1");
  EXPECT_STREQ(suite.attribute("skipped").value(), "1");
  EXPECT_STREQ(suite.attribute("time").value(), "3.210");
  EXPECT_STREQ(suite.attribute("hostname").value(), "here");
  EXPECT_STREQ(suite.attribute("timestamp").value(),
               "2023-11-14T22:13:20.000000+00:00");
  const pugi::xml_node first = suite.child("testcase");
  EXPECT_STREQ(first.attribute("classname").value(), "");
  EXPECT_STREQ(first.attribute("name").value(), "sub.t");
  EXPECT_STREQ(first.child("error").attribute("message").value(),
               "collection failure");
}

TEST(Junit, SaysWhereATestRan) {
  Bench bench("junit");
  TestJudged test = Judged(0, "t.py::a", Verdict::kPassed);
  test.worker = "gw3";
  test.host = "build2";
  test.attempt = 2;
  test.flaky = true;
  test.reports = {Report("", Verdict::kPassed)};
  test.reports[0].properties = {{"k", "v\x01<"}};
  bench.Tell(Started(), test, Ended());
  EXPECT_NE(bench.out.text.find("<properties>"
                                "<property name=\"worker\" value=\"gw3\" />"
                                "<property name=\"host\" value=\"build2\" />"
                                "<property name=\"attempt\" value=\"2\" />"
                                "<property name=\"flaky\" value=\"true\" />"
                                "<property name=\"k\" value=\"v#x01&lt;\" />"
                                "</properties>"),
            std::string::npos)
      << bench.out.text;
}

TEST(Junit, HasASuiteAPlatform) {
  Bench bench("junit");
  TestJudged test = Judged(0, "t.py::a", Verdict::kPassed);
  bench.Tell(Started({"a", "b"}, {"py39", "py311"}), Announced(0),
             Announced(1, "build2", 1), test);
  test.platform = PlatformId(1);
  bench.Tell(test, Ended());
  const pugi::xml_document document = Parse(bench.out.text);
  const pugi::xml_node first = document.child("testsuites").first_child();
  const pugi::xml_node second = first.next_sibling();
  EXPECT_STREQ(first.attribute("name").value(), "pytest py39");
  EXPECT_STREQ(second.attribute("name").value(), "pytest py311");
  EXPECT_STREQ(second.attribute("hostname").value(), "build2");
  EXPECT_STREQ(second.attribute("tests").value(), "1");
}

TEST(Junit, ReplacesAVerdictThatIsAmended) {
  Bench bench("junit");
  VerdictAmended amended;
  amended.test = TestIndex(0);
  amended.platform = PlatformId(0);
  amended.after = Verdict::kError;
  amended.report =
      Failure("", "ValueError: td", Verdict::kError, Phase::kTeardown);
  bench.Tell(Started(), Judged(0, "t.py::a", Verdict::kPassed), amended,
             Ended());
  const pugi::xml_document document = Parse(bench.out.text);
  const pugi::xml_node suite = document.child("testsuites").first_child();
  EXPECT_STREQ(suite.attribute("tests").value(), "1");
  EXPECT_STREQ(suite.attribute("errors").value(), "1");
  EXPECT_STREQ(
      suite.child("testcase").child("error").attribute("message").value(),
      "failed on teardown with \"ValueError: td\"");
}

}  // namespace
}  // namespace dist
