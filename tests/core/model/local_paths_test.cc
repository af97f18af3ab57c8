#include "core/model/local_paths.h"

#include <gtest/gtest.h>

#include <string>

namespace dist {
namespace {

class LocalPathsTest : public ::testing::Test {
 protected:
  LocalPathsTest() { paths_.Add("/there/tree", "/here"); }
  LocalPaths paths_;
};

TEST_F(LocalPathsTest, PlacesAreRewritten) {
  const std::pair<std::string, std::string> rows[] = {
      {"/there/tree", "/here"},
      {"/there/tree/a.py:3: ValueError", "/here/a.py:3: ValueError"},
      {"  File \"/there/tree/a.py\", line 1", "  File \"/here/a.py\", line 1"},
      {"module '/there/tree/a.py'.", "module '/here/a.py'."},
      {"a\n/there/tree/a\n\nb", "a\n/here/a\n\nb"},
      {"/there/tree/a /there/tree/b", "/here/a /here/b"},
      {"\x1b[1m/there/tree/a\x1b[0m:3", "\x1b[1m/here/a\x1b[0m:3"},
      {"Error: /there/tree/a", "Error: /here/a"},
      {"", ""},
  };
  for (const auto& [text, want] : rows) EXPECT_EQ(paths_.InText(text), want);
}

TEST_F(LocalPathsTest, OtherPathsAndValuesStay) {
  for (const char* text :
       {"/there/tree2/a", "/there/tree.bak", "/x/there/tree/a", "there/tree/a",
        "/there/tre", "E   assert '/there/tree/a' == 1", "E\t/there/tree",
        "\x1b[1m\x1b[31mE   /there/tree/a\x1b[0m", "//there/tree"}) {
    EXPECT_EQ(paths_.InText(text), text);
  }
}

TEST_F(LocalPathsTest, CapturedOutputStays) {
  TestsReported tests;
  tests.steps.resize(2);
  PhaseReport report;
  report.longrepr = "/there/tree/a.py:1: no";
  report.block = "/there/tree/a.py:1: no\n--- Captured stdout ---\n/there/tree";
  report.sections = {{"stdout", "/there/tree"}};
  tests.steps[1].report.push_back(report);
  NodeEvent event = tests;
  ASSERT_TRUE(LocalPaths::Concerns(event));
  paths_.Apply(&event);
  const PhaseReport& got = std::get<TestsReported>(event).steps[1].report[0];
  EXPECT_EQ(got.longrepr, "/here/a.py:1: no");
  EXPECT_EQ(got.block,
            "/here/a.py:1: no\n--- Captured stdout ---\n/there/tree");
  EXPECT_EQ(got.sections[0].second, "/there/tree");
}

TEST_F(LocalPathsTest, WhatHasNoPathsIsNotLookedAt) {
  EXPECT_FALSE(LocalPaths::Concerns(OutputWritten{}));
  EXPECT_FALSE(LocalPaths::Concerns(CollectionListed{}));
  TestsReported tests;
  tests.steps.resize(3);
  EXPECT_FALSE(LocalPaths::Concerns(tests));
}

TEST_F(LocalPathsTest, PopenInPlaceHasNothingToRewrite) {
  LocalPaths none;
  none.Add("/same", "/same");
  EXPECT_TRUE(none.empty());
}

TEST(ArgsThereTest, PathsInTheCopyAreRewritten) {
  const std::vector<std::string> args = {"--ignore=/here/old",
                                         "--ignore",
                                         "/here",
                                         "--ignore-glob=/here/**/x*",
                                         "-o",
                                         "pythonpath=/here/src /here/lib",
                                         "--cov=/here/pkg",
                                         "--rootdir=.."};
  EXPECT_EQ(ArgsThere(args, "/here", "/there/tree"),
            (std::vector<std::string>{
                "--ignore=/there/tree/old", "--ignore", "/there/tree",
                "--ignore-glob=/there/tree/**/x*", "-o",
                "pythonpath=/there/tree/src /there/tree/lib",
                "--cov=/there/tree/pkg", "--rootdir=.."}));
}

TEST(ArgsThereTest, OthersStay) {
  const std::vector<std::string> args = {"--ignore=/hereafter",
                                         "--ignore=/x/here",
                                         "--basetemp=/here/tmp",
                                         "--basetemp",
                                         "/here/tmp",
                                         "-k",
                                         "here",
                                         "t.py::test[/here]"};
  EXPECT_EQ(ArgsThere(args, "/here", "/there"), args);
  EXPECT_EQ(ArgsThere(args, "/", "/there"), args);
}

}  // namespace
}  // namespace dist
