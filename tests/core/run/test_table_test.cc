#include "core/run/test_table.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace dist {
namespace {

TEST(TestTable, NumbersTestsInTheOrderOfFirstSight) {
  TestTable table;
  EXPECT_EQ(table.Intern("b", 0), TestIndex(0));
  EXPECT_EQ(table.Intern("a", 0), TestIndex(1));
  EXPECT_EQ(table.Intern("b", 0), TestIndex(0));
  EXPECT_EQ(table.size(), 2u);
  EXPECT_EQ(table.id(TestIndex(1)), "a");
}

TEST(TestTable, TakesTheSecondTestOfAnIdForAnother) {
  TestTable table;
  EXPECT_EQ(table.Intern("a", 0), TestIndex(0));
  EXPECT_EQ(table.Intern("a", 1), TestIndex(1));
  EXPECT_EQ(table.id(TestIndex(1)), "a");
}

TEST(TestTable, DoesNotMoveIds) {
  TestTable table;
  const std::string* first = &table.id(table.Intern("short", 0));
  for (int i = 0; i < 10000; ++i) table.Intern(absl::StrCat("t", i), 0);
  EXPECT_EQ(first, &table.id(TestIndex(0)));
  EXPECT_EQ(table.Intern("short", 0), TestIndex(0));
}

}  // namespace
}  // namespace dist
