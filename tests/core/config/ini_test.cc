#include "core/config/ini.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dist {
namespace {

using ::testing::HasSubstr;

// "section.name=value;" of all entries, newlines as '|'.
std::string Flat(const IniFile& file) {
  std::string out;
  for (const IniSection& section : file.sections) {
    out += "[" + section.name + "]";
    for (const IniEntry& entry : section.entries) {
      out += entry.name + "=" + entry.value + ";";
    }
  }
  for (char& c : out) c = c == '\n' ? '|' : c;
  return out;
}

// The expected values are what iniconfig 1.1 reads.
TEST(ParseIniTest, ReadsWhatPytestReads) {
  struct Row {
    const char* why;
    const char* text;
    const char* flat;
  };
  for (const Row& row : {
           Row{"an empty file", "", ""},
           Row{"comments and blank lines", "# a\n ; b\n\n", ""},
           Row{"an empty section", "[pytest]", "[pytest]"},
           Row{"=", "[s]\na = b", "[s]a=b;"},
           Row{":", "[s]\na: b", "[s]a=b;"},
           Row{"= before :", "[s]\na = b:c", "[s]a=b:c;"},
           Row{": before =", "[s]\na: b=c", "[s]a=b=c;"},
           Row{"no value", "[s]\na =", "[s]a=;"},
           Row{"no name", "[s]\n= b", "[s]=b;"},
           Row{"a continuation", "[s]\na = b\n  c\n\td", "[s]a=b|c|d;"},
           Row{"a continuation of nothing", "[s]\na =\n  c", "[s]a=c;"},
           Row{"a continuation across blanks and comments",
               "[s]\na = b\n\n# x\n  # y\n  c", "[s]a=b|c;"},
           Row{"a comment behind a value belongs to it", "[s]\na = b # c",
               "[s]a=b # c;"},
           Row{"a comment behind a header", "[s] # [x]\n[t];y", "[s][t]"},
           Row{"blanks within a header", "[ s ]", "[ s ]"},
           Row{"a broken header continues", "[s]\na = b\n[c", "[s]a=b|[c;"},
           Row{"text behind a header continues", "[s]\na = b\n[c] d",
               "[s]a=b|[c] d;"},
           Row{"a colon in a header", "[tool:pytest]\na=b",
               "[tool:pytest]a=b;"},
           Row{"Windows' and old Mac's lines", "[s]\r\na=b\rc=d\r\n",
               "[s]a=b;c=d;"},
           Row{"blanks at the end", "[s]  \na = b  \n", "[s]a=b;"},
       }) {
    const auto file = ParseIni(row.text, "x.ini");
    ASSERT_TRUE(file.ok()) << row.why << ": " << file.status();
    EXPECT_EQ(Flat(*file), row.flat) << row.why;
    const auto again = ParseIni(FormatIni(*file), "x.ini");
    ASSERT_TRUE(again.ok()) << row.why << ": " << again.status();
    EXPECT_EQ(Flat(*again), row.flat) << row.why;
  }
}

TEST(ParseIniTest, RefusesWhatPytestRefuses) {
  struct Row {
    const char* why;
    const char* text;
    const char* cause;
    const char* help;
  };
  for (const Row& row : {
           Row{"an entry before any section", "\na = b",
               "x.ini:2: 'a' is in no section", "[pytest]"},
           Row{"a line that is nothing", "[s]\nabc",
               "x.ini:2: unexpected line 'abc'", "name = value"},
           Row{"a name twice", "[s]\na=1\nb=2\na:3",
               "x.ini:4: duplicate name 'a'", "line 2"},
           Row{"a section twice", "[s]\n[t]\n[s]",
               "x.ini:3: duplicate section 's'", "line 1"},
           Row{"a section without name", "[]",
               "x.ini:1: a section without name", "[pytest]"},
           Row{"a continuation first", "  a", "x.ini:1: this line continues",
               "unindent"},
           Row{"a continuation of a header", "[s]\n  a = b",
               "x.ini:2: this line continues", "unindent"},
           Row{"a byte order mark", "\xef\xbb\xbf[s]", "x.ini:1: unexpected",
               "without a byte order mark"},
           Row{"control characters are made harmless", "[s]\na\x1b[2J",
               "'a\\x1b[2J'", "name = value"},
       }) {
    const auto file = ParseIni(row.text, "x.ini");
    ASSERT_FALSE(file.ok()) << row.why;
    const std::string message(file.status().message());
    EXPECT_THAT(message.substr(0, message.find('\n')), HasSubstr(row.cause))
        << row.why;
    EXPECT_THAT(message, HasSubstr("\nhelp: ")) << row.why;
    EXPECT_THAT(message.substr(message.find('\n')), HasSubstr(row.help))
        << row.why;
  }
}

TEST(IniFileTest, FindsByNameAndKnowsLines) {
  const auto file = ParseIni("# c\n[s]\n\na = b\n", "x.ini");
  ASSERT_TRUE(file.ok());
  ASSERT_NE(file->Find("s"), nullptr);
  EXPECT_EQ(file->Find("s")->line, 2);
  ASSERT_NE(file->Find("s")->Find("a"), nullptr);
  EXPECT_EQ(file->Find("s")->Find("a")->line, 4);
  EXPECT_EQ(file->Find("t"), nullptr);
  EXPECT_EQ(file->Find("s")->Find("x"), nullptr);
}

}  // namespace
}  // namespace dist
