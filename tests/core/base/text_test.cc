#include "core/base/text.h"

#include <gtest/gtest.h>

namespace dist {
namespace {

TEST(ExpandHomeTest, ALeadingTildeIsTheHome) {
  EXPECT_EQ(ExpandHome("~", "/home/me"), "/home/me");
  EXPECT_EQ(ExpandHome("~/a b/~", "/home/me"), "/home/me/a b/~");
  for (const char* as_it_is : {"", "/a", "a/~", "~you/a", "~~", "./~"}) {
    EXPECT_EQ(ExpandHome(as_it_is, "/home/me"), as_it_is);
  }
  EXPECT_EQ(ExpandHome("~/a", ""), "~/a");
}

TEST(SplitShellWordsTest, SplitsAsPythonsShlex) {
  struct Row {
    const char* why;
    const char* text;
    std::vector<std::string> words;
  };
  for (const Row& row : {
           Row{"nothing", "", {}},
           Row{"only blanks", " \t\r\n ", {}},
           Row{"blanks separate", " -n 2\n-v ", {"-n", "2", "-v"}},
           Row{"double quotes keep blanks",
               "-k \"not slow\"",
               {"-k", "not slow"}},
           Row{"single quotes keep everything", "'a\\b\" c'", {"a\\b\" c"}},
           Row{"an empty quotation is a word", "a '' b", {"a", "", "b"}},
           Row{"quotes join with their neighbours", "a'b'\"c\"", {"abc"}},
           Row{"a backslash escapes a blank", "a\\ b", {"a b"}},
           Row{"within double quotes only some are escaped",
               "\"a\\\"b\\\\c\\d\"",
               {"a\"b\\c\\d"}},
           Row{"a hash is no comment", "a # b", {"a", "#", "b"}},
       }) {
    const auto words = SplitShellWords(row.text);
    ASSERT_TRUE(words.ok()) << row.why << ": " << words.status();
    EXPECT_EQ(*words, row.words) << row.why;
  }
}

TEST(SplitShellWordsTest, RefusesUnfinishedText) {
  EXPECT_EQ(SplitShellWords("a 'b").status().message(), "no closing '");
  EXPECT_EQ(SplitShellWords("a \"b").status().message(), "no closing \"");
  EXPECT_EQ(SplitShellWords("a\\").status().message(),
            "nothing follows the last backslash");
}

TEST(PrintableTest, MakesControlCharactersHarmless) {
  EXPECT_EQ(Printable("a\tb\nc\x1b[0m\x7f"), "a\\tb\\nc\\x1b[0m\\x7f");
  EXPECT_EQ(Printable("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
}

TEST(IsUtf8Test, KnowsWhatIsWellFormed) {
  struct Row {
    const char* why;
    const char* text;
    bool well_formed;
  };
  for (const Row& row : {
           Row{"nothing", "", true},
           Row{"ASCII", "abc", true},
           Row{"two, three and four bytes",
               "\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", true},
           Row{"the largest", "\xf4\x8f\xbf\xbf", true},
           Row{"beyond the largest", "\xf4\x90\x80\x80", false},
           Row{"a byte that continues nothing", "\x80", false},
           Row{"an end too early", "\xe2\x82", false},
           Row{"another character too early", "\xc3z", false},
           Row{"overlong", "\xc0\xaf", false},
           Row{"overlong in three", "\xe0\x80\xaf", false},
           Row{"a surrogate", "\xed\xa0\x80", false},
           Row{"never a byte of UTF-8", "\xff", false},
       }) {
    EXPECT_EQ(IsUtf8(row.text), row.well_formed) << row.why;
  }
}

}  // namespace
}  // namespace dist
