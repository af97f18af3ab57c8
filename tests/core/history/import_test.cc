#include "core/history/import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace dist {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

absl::StatusOr<ImportedDurations> Import(absl::string_view text) {
  return ImportDurations(text, [](const std::string&) { return true; });
}

TEST(Import, ReadsPytestSplit) {
  const auto imported = Import(R"({"a.py::t[1]": 1.5, "a.py::u": 0,
      "odd": "text", "negative": -1})");
  ASSERT_TRUE(imported.ok());
  EXPECT_EQ(imported->format, "pytest-split");
  EXPECT_THAT(imported->tests, UnorderedElementsAre(Pair("a.py::t[1]", 1500000),
                                                    Pair("a.py::u", 0)));
}

TEST(Import, ReadsOldPytestSplit) {
  const auto imported = Import(R"([["a.py::t", 1.5], ["x"], 3])");
  ASSERT_TRUE(imported.ok());
  EXPECT_THAT(imported->tests, ElementsAre(Pair("a.py::t", 1500000)));
}

TEST(Import, SumsThePhasesOfAReportLog) {
  const auto imported = Import(
      R"({"pytest_version": "7", "$report_type": "SessionStart"}
{"nodeid":"t","when":"setup","outcome":"passed","duration":0.5,"$report_type":"TestReport"}
{"nodeid":"t","when":"call","outcome":"failed","duration":1,"$report_type":"TestReport"}
not json
{"nodeid":"s","when":"setup","outcome":"skipped","duration":0.25,"$report_type":"TestReport"}
{"nodeid":"t","when":"teardown","outcome":"passed","duration":0.25,"$report_type":"TestReport"}
)");
  ASSERT_TRUE(imported.ok());
  EXPECT_EQ(imported->format, "report log");
  EXPECT_THAT(imported->tests,
              ElementsAre(Pair("t", 1750000), Pair("s", 250000)));
}

TEST(Import, CountsTheLastTryOnly) {
  const auto imported = Import(
      R"({"nodeid":"t","when":"setup","outcome":"passed","duration":1,"$report_type":"TestReport"}
{"nodeid":"t","when":"call","outcome":"rerun","duration":8,"$report_type":"TestReport"}
{"nodeid":"t","when":"setup","outcome":"passed","duration":1,"$report_type":"TestReport"}
{"nodeid":"t","when":"call","outcome":"passed","duration":2,"$report_type":"TestReport"})");
  ASSERT_TRUE(imported.ok());
  EXPECT_THAT(imported->tests, ElementsAre(Pair("t", 3000000)));
}

TEST(Import, LeavesOutWhatDidNotRunToItsEnd) {
  const auto imported = Import(
      R"({"nodeid":"c","when":"call","outcome":"failed","verdict":"crashed","duration":8,"$report_type":"TestReport"}
{"nodeid":"e","when":"setup","outcome":"failed","duration":8,"$report_type":"TestReport"})");
  ASSERT_TRUE(imported.ok());
  EXPECT_TRUE(imported->tests.empty());
}

TEST(Import, SaysWhatItDoesNotKnow) {
  for (const char* text : {"", "hello", "3", "{\"a\":"}) {
    EXPECT_THAT(Import(text).status().message(), HasSubstr("is no JUnit XML"))
        << text;
  }
  EXPECT_THAT(Import("<a><b></a>").status().message(), HasSubstr("is no XML"));
}

TEST(Import, SurvivesDeepNesting) {
  EXPECT_TRUE(Import(std::string(1000000, '[')).status().message().size() > 0);
  EXPECT_TRUE(Import(std::string(100000, '[') + std::string(100000, ']')).ok());
}

}  // namespace
}  // namespace dist
