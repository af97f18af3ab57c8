#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "cli/options.h"
#include "core/base/text.h"
#include "tests/cli/options_testing.h"

namespace dist {
namespace {

using ::testing::HasSubstr;

TEST(ParseOptionsTest, GivesHelpWhateverElseIsWrong) {
  EXPECT_TRUE(Parsed({"--nonsense", "--help"}).help);
  EXPECT_TRUE(Parsed({"-V"}).version);
  EXPECT_FALSE(Parsed({"--", "--help"}).help);
}

TEST(HelpTextTest, BeginsWithFiveExamplesThatParse) {
  const std::string help = HelpText();
  const std::string examples = help.substr(0, help.find("usage:"));
  int count = 0;
  for (const absl::string_view line : absl::StrSplit(examples, '\n')) {
    if (!absl::StartsWith(line, "dist ")) continue;
    ++count;
    const auto words = SplitShellWords(line.substr(5));
    ASSERT_TRUE(words.ok()) << line;
    EXPECT_TRUE(ParseArgs(*words).ok()) << line;
  }
  EXPECT_EQ(count, 5);
}

TEST(HelpTextTest, ListsTheOptionsOfTheContractInEightyColumns) {
  const std::string help = HelpText();
  for (const char* option : {"--tx SPEC",
                             "-n, --numprocesses N|auto",
                             "  -d ",
                             "--dist MODE",
                             "--ssh auto|libssh|openssh",
                             "--key-file FILE",
                             "--rsyncdir DIR",
                             "--rsyncignore GLOB",
                             "--no-sync",
                             "--runner NAME",
                             "-x, --exitfirst",
                             "--maxfail N",
                             "--max-worker-restart N",
                             "--maxschedchunk N",
                             "--no-loadscope-reorder",
                             "--testrunuid S",
                             "--maxprocesses N",
                             "--timeout SECONDS",
                             "--retries N",
                             "--lf",
                             "--ff",
                             "--junitxml",
                             "--report-log PATH",
                             "--html PATH",
                             "--trace PATH",
                             "-q, --quiet",
                             "-v, --verbose",
                             "  -s ",
                             "--color",
                             "--durations N",
                             "-r CHARS",
                             "--collect-only"}) {
    EXPECT_THAT(help, HasSubstr(option));
  }
  for (const absl::string_view line : absl::StrSplit(help, '\n')) {
    EXPECT_LE(line.size(), 80u) << line;
  }
}

TEST(VersionTextTest, NamesTheProgram) {
  EXPECT_EQ(VersionText(), "dist 0.1.0\n");
}

}  // namespace
}  // namespace dist
