#include "core/report/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace dist {
namespace {

TEST(DecodeRune, AcceptsExactlyUtf8) {
  struct Row {
    const char* why;
    std::string bytes;
    char32_t value;
    size_t size;
    bool valid;
  };
  for (const Row& row :
       {Row{"ASCII", "a", 'a', 1, true}, Row{"two", "\xc3\xbc", 0xfc, 2, true},
        Row{"three", "\xe2\x82\xac", 0x20ac, 3, true},
        Row{"four", "\xf0\x9f\x98\x80", 0x1f600, 4, true},
        Row{"last", "\xf4\x8f\xbf\xbf", 0x10ffff, 4, true},
        Row{"beyond", "\xf4\x90\x80\x80", 0xfffd, 1, false},
        Row{"overlong", "\xe0\x80\xaf", 0xfffd, 1, false},
        Row{"surrogate", "\xed\xa0\x80", 0xfffd, 1, false},
        Row{"continuation", "\x80", 0xfffd, 1, false},
        Row{"cut off", "\xf0\x9f\x98", 0xfffd, 1, false},
        Row{"interrupted", "\xe2(\xa1", 0xfffd, 1, false}}) {
    const Rune rune = DecodeRune(row.bytes);
    EXPECT_EQ(rune.value, row.value) << row.why;
    EXPECT_EQ(rune.size, row.size) << row.why;
    EXPECT_EQ(rune.valid, row.valid) << row.why;
  }
}

TEST(RuneWidth, KnowsWideAndCombining) {
  EXPECT_EQ(RuneWidth('a'), 1);
  EXPECT_EQ(RuneWidth(0x6f22), 2);
  EXPECT_EQ(RuneWidth(0x301), 0);
  EXPECT_EQ(RuneWidth(0x1f600), 2);
}

}  // namespace
}  // namespace dist
