#include "core/manifest/ignore.h"

#include <gtest/gtest.h>

#include <string>

namespace dist {
namespace {

struct GlobRow {
  const char* pattern;
  const char* text;
  bool matches;
};

TEST(IgnoreTest, MatchesAsFnmatchDoes) {
  const GlobRow rows[] = {
      {"*", "", true},
      {"*", "abc", true},
      {"*", "a/b", false},
      {"**", "a/b", true},
      {"a*c", "abbc", true},
      {"a*c", "abb", false},
      {"?", "a", true},
      {"?", "/", false},
      {"?", "", false},
      {"[a-c]x", "bx", true},
      {"[!a-c]x", "bx", false},
      {"[!a-c]x", "dx", true},
      {"[]]", "]", true},
      {"[", "[", true},
      {"[a", "[a", true},
      {"*.py[co]", "x.pyc", true},
      {"a/*", "a/b", true},
      {"a/*", "a/b/c", false},
      {"a/**", "a/b/c", true},
      {"**/c", "a/b/c", true},
      {"**/b*/c", "a/b/bx/c", true},
      {"*a*/b", "xaya/b", true},
      {"a[/]b", "a/b", false},
      {"*a*a*a*b", "aaaaaaaaaaaaaaaa", false},
  };
  for (const GlobRow& row : rows) {
    EXPECT_EQ(MatchesGlob(row.pattern, row.text), row.matches)
        << row.pattern << " " << row.text;
  }
}

TEST(IgnoreTest, SomeNamesAreAlwaysIgnored) {
  const IgnoreRules rules;
  for (const char* name :
       {".git", "a.pyc", "a.pyo", "a~", "__pycache__", "dist-artifacts"}) {
    EXPECT_TRUE(IsAlwaysIgnored(name)) << name;
  }
  for (const char* name : {"a.py", "a.pyc.txt", "git", "~a"}) {
    EXPECT_FALSE(IsAlwaysIgnored(name)) << name;
  }
  EXPECT_EQ(rules.WhyIgnored("x/.git", "/r/x/.git"), ".* (always ignored)");
  EXPECT_EQ(rules.WhyIgnored("x/a.py", "/r/x/a.py"), "");
}

TEST(IgnoreTest, PatternsMatchNamesOrPaths) {
  const IgnoreRules rules({"build", "./docs/*.txt", "/r/abs/", "data/"});
  EXPECT_TRUE(rules.Ignores("a/build", "/r/a/build"));
  EXPECT_TRUE(rules.Ignores("docs/x.txt", "/r/docs/x.txt"));
  EXPECT_FALSE(rules.Ignores("a/docs/x.txt", "/r/a/docs/x.txt"));
  EXPECT_TRUE(rules.Ignores("abs", "/r/abs"));
  EXPECT_FALSE(rules.Ignores("abs", "/other/abs"));
  EXPECT_TRUE(rules.Ignores("a/data", "/r/a/data"));
  EXPECT_EQ(rules.WhyIgnored("a/build", "/r/a/build"), "--rsyncignore build");
}

TEST(IgnoreTest, FoldersOfDistItselfAreIgnoredWhateverTheirName) {
  const IgnoreRules rules({}, {"/r/a[b]"});
  EXPECT_TRUE(rules.Ignores("a[b]", "/r/a[b]"));
  EXPECT_FALSE(rules.Ignores("x/a[b]", "/r/x/a[b]"));
  EXPECT_FALSE(rules.Ignores("ab", "/r/ab"));
  EXPECT_EQ(rules.WhyIgnored("a[b]", "/r/a[b]"), "dist itself writes there");
}

}  // namespace
}  // namespace dist
