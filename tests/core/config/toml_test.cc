#include "core/config/toml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dist {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Kind = TomlEntry::Kind;

TEST(ReadTomlTableTest, ReadsEachKindOfValue) {
  const auto table = ReadTomlTable(
      "s = \"x\"\ni = 3\nf = 1.5\nb = true\nl = [\"a\", 2]\n"
      "d = 1979-05-27\nn = [[1]]\n[t]\nx = 1\n",
      "x.toml", {});
  ASSERT_TRUE(table.ok()) << table.status();
  struct Row {
    const char* key;
    Kind kind;
    std::vector<std::string> values;
    int line;
  };
  const std::vector<Row> rows = {
      {"s", Kind::kScalar, {"x"}, 1},    {"i", Kind::kScalar, {"3"}, 2},
      {"f", Kind::kScalar, {"1.5"}, 3},  {"b", Kind::kBoolean, {"true"}, 4},
      {"l", Kind::kList, {"a", "2"}, 5}, {"d", Kind::kOther, {}, 6},
      {"n", Kind::kOther, {}, 7},        {"t", Kind::kOther, {}, 8},
  };
  ASSERT_EQ((*table)->size(), rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ((**table)[i].key, rows[i].key);
    EXPECT_EQ((**table)[i].kind, rows[i].kind) << rows[i].key;
    EXPECT_EQ((**table)[i].values, rows[i].values) << rows[i].key;
    EXPECT_EQ((**table)[i].line, rows[i].line) << rows[i].key;
  }
}

TEST(ReadTomlTableTest, FindsTablesByPath) {
  const std::string text = "[tool.pytest.ini_options]\nx = 1\n[tool.y]\n";
  const auto found =
      ReadTomlTable(text, "x", {"tool", "pytest", "ini_options"});
  ASSERT_TRUE(found.ok() && found->has_value());
  EXPECT_THAT((**found)[0].values, ElementsAre("1"));
  const auto empty = ReadTomlTable(text, "x", {"tool", "y"});
  ASSERT_TRUE(empty.ok() && empty->has_value());
  EXPECT_TRUE((*empty)->empty());
  const auto none = ReadTomlTable(text, "x", {"tool", "z"});
  ASSERT_TRUE(none.ok());
  EXPECT_FALSE(none->has_value());
  const auto no_table = ReadTomlTable("tool = 3", "x", {"tool", "z"});
  ASSERT_TRUE(no_table.ok());
  EXPECT_FALSE(no_table->has_value());
}

TEST(ReadTomlTableTest, RefusesWhatIsNoToml) {
  struct Row {
    const char* why;
    std::string text;
    const char* cause;
  };
  for (const Row& row : {
           Row{"no value", "a = 1\nb =\n", "x.toml:2: "},
           Row{"no equals sign", "a\n", "x.toml:1: "},
           Row{"a key twice", "a = 1\na = 2\n", "x.toml:"},
           Row{"an open list", "a = [1\n", "x.toml:"},
           Row{"no UTF-8", "a = '\xc2x'\n", "x.toml:1: not UTF-8"},
           Row{"nested too deep", "a = 1\nb = " + std::string(9999, '['),
               "x.toml:2: nested deeper"},
           Row{"dotted too deep", std::string(9999, '.'), "x.toml:1: nested"},
           Row{"too large", std::string((1 << 20) + 1, '\n'),
               "x.toml:1: larger"},
       }) {
    const auto table = ReadTomlTable(row.text, "x.toml", {});
    ASSERT_FALSE(table.ok()) << row.why;
    const std::string message(table.status().message());
    EXPECT_THAT(message, HasSubstr(row.cause)) << row.why;
    EXPECT_THAT(message, HasSubstr("\nhelp: ")) << row.why;
    EXPECT_THAT(message, Not(HasSubstr("toml::"))) << row.why;
  }
}

}  // namespace
}  // namespace dist
