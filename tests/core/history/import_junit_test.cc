#include "core/history/import_junit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace dist {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

absl::StatusOr<ImportedDurations> Import(const std::string& cases,
                                         std::set<std::string> files) {
  return ImportJunit(
      "<?xml version=\"1.0\"?><testsuites><testsuite name=\"pytest\">" + cases +
          "</testsuite></testsuites>",
      [&](const std::string& name) { return files.count(name) > 0; });
}

TEST(ImportJunit, FindsTheFileOfAClassName) {
  const auto imported = Import(
      R"(<testcase classname="a.b.test_x.TestC" name="test_y[p]" time="1.5"/>
         <testcase classname="a.b.test_x" name="test_z" time="0.25">
           <failure message="no"/></testcase>
         <testcase classname="a.b.test_x.TestC.Inner" name="t" time="1"/>)",
      {"a/b/test_x.py"});
  ASSERT_TRUE(imported.ok());
  EXPECT_THAT(imported->tests,
              ElementsAre(Pair("a/b/test_x.py::TestC::test_y[p]", 1500000),
                          Pair("a/b/test_x.py::test_z", 250000),
                          Pair("a/b/test_x.py::TestC::Inner::t", 1000000)));
}

TEST(ImportJunit, TakesTheLongestFileName) {
  const auto imported =
      Import(R"(<testcase classname="a.b.TestC" name="t" time="1"/>)",
             {"a.py", "a/b.py"});
  ASSERT_TRUE(imported.ok());
  EXPECT_THAT(imported->tests, ElementsAre(Pair("a/b.py::TestC::t", 1000000)));
}

TEST(ImportJunit, BelievesTheFileOfXunit1) {
  const auto imported = Import(
      R"(<testcase classname="dir.with.test_x.TestC" file="dir.with/test_x.py"
           name="t" time="1"/>
         <testcase classname="dir.with.test_x" file="dir.with/test_x.py"
           name="u" time="1"/>)",
      {});
  ASSERT_TRUE(imported.ok());
  EXPECT_THAT(imported->tests,
              ElementsAre(Pair("dir.with/test_x.py::TestC::t", 1000000),
                          Pair("dir.with/test_x.py::u", 1000000)));
}

TEST(ImportJunit, CountsWhatItCannotMatch) {
  const auto imported = Import(
      R"(<testcase classname="gone.test_x" name="t" time="1"/>
         <testcase classname="a" name="broken" time="1"><error/></testcase>
         <testcase classname="a" name="untimed"/>
         <testcase classname="a" name="odd" time="-3"/>)",
      {"a.py"});
  ASSERT_TRUE(imported.ok());
  EXPECT_TRUE(imported->tests.empty());
  EXPECT_EQ(imported->unmatched, 1u);
}

}  // namespace
}  // namespace dist
