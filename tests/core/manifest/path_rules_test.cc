#include "core/manifest/path_rules.h"

#include <gtest/gtest.h>

#include <string>

namespace dist {
namespace {

std::string Deep(size_t depth) {
  std::string path = "d";
  for (size_t i = 1; i < depth; ++i) path += "/d";
  return path;
}

TEST(PathRulesTest, TakesWhatNamesSomethingInTheTree) {
  for (const std::string& path :
       {std::string("a"), std::string("a/b.c"), std::string("..."),
        std::string("a b/\n\xff\x01"), std::string("-x"), std::string(255, 'n'),
        Deep(64)}) {
    EXPECT_TRUE(CheckTreePath(path).ok()) << path;
  }
}

TEST(PathRulesTest, RefusesWhatMayLeaveIt) {
  for (const std::string& path :
       {std::string(""), std::string("/"), std::string("/etc/passwd"),
        std::string("a//b"), std::string("a/"), std::string("."),
        std::string(".."), std::string("a/../b"), std::string("../a"),
        std::string("a/."), std::string("a\0b", 3), std::string(256, 'n'),
        Deep(65), std::string(5000, 'n')}) {
    EXPECT_FALSE(CheckTreePath(path).ok()) << path;
  }
}

TEST(PathRulesTest, AFolderComesRightBeforeWhatIsInIt) {
  EXPECT_LT(ComparePaths("a", "a/b"), 0);
  EXPECT_LT(ComparePaths("a/b", "a-b"), 0);
  EXPECT_LT(ComparePaths("a/b", "a\x01"), 0);
  EXPECT_GT(ComparePaths("b", "a/z"), 0);
  EXPECT_LT(ComparePaths("a", "\xff"), 0);
  EXPECT_EQ(ComparePaths("a/b", "a/b"), 0);
  const std::string folder = "a/folder/with/a/long/name";
  EXPECT_LT(ComparePaths(folder + "/x", folder + "-x"), 0);
  EXPECT_LT(ComparePaths(folder, folder + "/x"), 0);
  EXPECT_GT(ComparePaths(folder + "2345678", folder + "2345671"), 0);
}

TEST(PathRulesTest, TakesPathsApart) {
  EXPECT_EQ(ParentPath("a/b/c"), "a/b");
  EXPECT_EQ(ParentPath("a"), "");
  EXPECT_EQ(BaseName("a/b/c"), "c");
  EXPECT_EQ(BaseName("a"), "a");
}

TEST(PathRulesTest, SaysWhatIsBelowAFolder) {
  EXPECT_TRUE(IsPathUnder("a/b", ""));
  EXPECT_TRUE(IsPathUnder("a/b", "a"));
  EXPECT_TRUE(IsPathUnder("a/b", "a/b"));
  EXPECT_FALSE(IsPathUnder("a/bc", "a/b"));
  EXPECT_FALSE(IsPathUnder("a", "a/b"));
  EXPECT_EQ(PathBelow("a/b/c", "a"), "b/c");
  EXPECT_EQ(PathBelow("a/b", ""), "a/b");
}

TEST(PathRulesTest, SaysWhichLinksLeaveTheTree) {
  EXPECT_TRUE(LinkStaysInside("a/b", "../c"));
  EXPECT_TRUE(LinkStaysInside("a", "b/../c"));
  EXPECT_TRUE(LinkStaysInside("a", "."));
  EXPECT_FALSE(LinkStaysInside("a", "../c"));
  EXPECT_FALSE(LinkStaysInside("a/b", "../../c"));
  EXPECT_FALSE(LinkStaysInside("a/b", "c/../../../d"));
  EXPECT_FALSE(LinkStaysInside("a", "/etc"));
}

}  // namespace
}  // namespace dist
