#include "core/report/text.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace dist {
namespace {

using std::string_literals::operator""s;

struct TextRow {
  const char* why;
  std::string text;
  std::string want;
};

TEST(Sanitize, MakesControlsVisibleAndKeepsTheRest) {
  const std::vector<TextRow> rows = {
      {"plain text stays", "a b\n\tc", "a b\n\tc"},
      {"UTF-8 stays", "grün 漢 😀", "grün 漢 😀"},
      {"NUL", "a\0b"s, "a\\x00b"},
      {"bell and backspace", "\a\b", "\\x07\\x08"},
      {"carriage return could overwrite", "ok\rFAIL", "ok\\x0dFAIL"},
      {"a line end of Windows is a line end", "a\r\nb", "a\nb"},
      {"delete", "\x7f", "\\x7f"},
      {"colour goes", "\x1b[31mred\x1b[0m", "red"},
      {"other CSI is visible", "\x1b[2J", "\\x1b[2J"},
      {"private CSI that ends in m", "\x1b[>4;2m", "\\x1b[>4;2m"},
      {"OSC 52 writes the clipboard", "\x1b]52;c;AA\a", "\\x1b]52;c;AA\\x07"},
      {"DECRQSS answers as if typed", "\x1bP$qm\x1b\\", "\\x1bP$qm\\x1b\\"},
      {"C1 as UTF-8", "\xc2\x9b"s + "31m", "\\x9b31m"},
      {"C1 as a byte is not UTF-8", "\x9b"s + "31m", "\xef\xbf\xbd"s + "31m"},
      {"bidi override", "\xe2\x80\xae"s + "x", "\\u202ex"},
      {"line separator", "\xe2\x80\xa8", "\\u2028"},
      {"lone surrogate", "\xed\xa0\x80",
       "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
      {"overlong slash", "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
      {"cut off", "\xe2\x80", "\xef\xbf\xbd\xef\xbf\xbd"},
      {"a colour inside a colour's start", "\x1b[3\x1b[0m1m", "\\x1b[31m"}};
  for (const TextRow& row : rows) {
    EXPECT_EQ(Sanitize(row.text, Sgr::kDrop), row.want) << row.why;
  }
}

TEST(Sanitize, KeepsColoursWhenAsked) {
  const std::vector<TextRow> rows = {
      {"colour stays", "\x1b[31mred\x1b[0m.", "\x1b[31mred\x1b[0m."},
      {"pygments' reset", "\x1b[94mx\x1b[39;49;00m", "\x1b[94mx\x1b[39;49;00m"},
      {"an empty reset", "\x1b[1mx\x1b[m", "\x1b[1mx\x1b[m"},
      {"colour left on is switched off", "\x1b[31mred", "\x1b[31mred\x1b[0m"},
      {"an unfinished one is text", "\x1b[31", "\\x1b[31"}};
  for (const TextRow& row : rows) {
    EXPECT_EQ(Sanitize(row.text, Sgr::kKeep), row.want) << row.why;
  }
}

TEST(SanitizeLine, HoldsOneLine) {
  EXPECT_EQ(SanitizeLine("a\nb\tc\x1b[1md"), "a\\nb\\tcd");
}

TEST(StripSgr, LeavesEverythingElse) {
  EXPECT_EQ(StripSgr("\x1b[1;31ma\x1b[mb\x1b[2J"), "ab\x1b[2J");
}

TEST(XmlSafe, LeavesOutWholeSequencesAndShowsTheRest) {
  const std::vector<TextRow> rows = {
      {"colour", "\x1b[31mred\x1b[0m", "red"},
      {"cursor movement", "a\x1b[2Kb", "ab"},
      {"OSC 8 with its link", "\x1b]8;;http://x\x1b\\y\x1b]8;;\x1b\\", "y"},
      {"OSC that ends in a bell", "\x1b]0;title\ax", "x"},
      {"C1 CSI", "\xc2\x9b"s + "31mred", "red"},
      {"an OSC without end does not swallow the report",
       "\x1b]0;t\nfailed here", "#x1B]0;t\nfailed here"},
      {"charset", "\x1b(Bx", "x"},
      {"a lone escape", "x\x1b", "x#x1B"},
      {"NUL as pytest shows it", "\0"s, "#x00"},
      {"not a character", "\xef\xbf\xbf", "#xFFFF"},
      {"invalid UTF-8", "\xff", "\xef\xbf\xbd"}};
  for (const TextRow& row : rows) {
    EXPECT_EQ(XmlSafe(row.text), row.want) << row.why;
    EXPECT_EQ(XmlSafe(row.want), row.want) << row.why;
  }
}

TEST(XmlEscape, KeepsWhatReadersWouldNormalise) {
  EXPECT_EQ(XmlText("a<b>&]]>\r\n\""), "a&lt;b&gt;&amp;]]&gt;&#13;\n\"");
  EXPECT_EQ(XmlAttribute("a<b\n\t\"c\""), "a&lt;b&#10;&#9;&quot;c&quot;");
}

TEST(NeutralizeCi, SplitsWhatCiSystemsObey) {
  const std::vector<TextRow> rows = {
      {"GitHub command", "::error::x", ": :error::x"},
      {"in a later line", "a\n::set-env::x", "a\n: :set-env::x"},
      {"blanks before are trimmed there", "  \t::error::", "  \t: :error::"},
      {"other blanks too", "\xc2\xa0::error::", "\xc2\xa0: :error::"},
      {"colour before may be stripped",
       "\x1b[1m::error::", "\x1b[1m: :error::"},
      {"an id is no command", "test_a.py::test_b", "test_a.py::test_b"},
      {"Azure, anywhere", "x ##vso[task.complete]", "x # #vso[task.complete]"},
      {"GitHub's older form, anywhere", "x ##[error]", "x # #[error]"},
      {"TeamCity", "##teamcity[x]", "# #teamcity[x]"},
      {"headings stay", "## title", "## title"}};
  for (const TextRow& row : rows) {
    EXPECT_EQ(NeutralizeCi(row.text), row.want) << row.why;
    EXPECT_EQ(NeutralizeCi(row.want), row.want) << row.why;
  }
}

TEST(DisplayWidth, CountsColumns) {
  EXPECT_EQ(DisplayWidth("abc"), 3u);
  EXPECT_EQ(DisplayWidth("漢字"), 4u);
  EXPECT_EQ(DisplayWidth("e\xcc\x81"), 1u);
  EXPECT_EQ(DisplayWidth("\x1b[31mab\x1b[0m"), 2u);
}

TEST(Ellipsize, CutsToTheColumns) {
  EXPECT_EQ(Ellipsize("abcdef", 6), "abcdef");
  EXPECT_EQ(Ellipsize("abcdef", 5), "ab...");
  EXPECT_EQ(Ellipsize("漢字漢字", 6), "漢...");
  EXPECT_EQ(Ellipsize("abcdef", 2), "ab");
  EXPECT_EQ(Ellipsize("abcdef", 0), "");
}

TEST(SepLine, LooksLikePytests) {
  EXPECT_EQ(SepLine('=', "FAILURES", 20), "===== FAILURES =====");
  EXPECT_EQ(SepLine('=', "ERRORS", 19), "===== ERRORS ======");
  EXPECT_EQ(SepLine('_', "a title that is too long", 10),
            "_ a title that is too long _");
  EXPECT_EQ(SepLine('-', "", 5), "-----");
}

// Bytes that matter to terminals come often.
std::string RandomText(std::mt19937* random) {
  static const std::string kOften = "\x1b[]mP\\;0:#\a\r\n\xc2\x9b\xe2\x80\xae"s;
  std::string text;
  for (size_t n = (*random)() % 60; n > 0; --n) {
    const bool often = (*random)() % 4 != 0;
    text.push_back(often ? kOften[(*random)() % kOften.size()]
                         : static_cast<char>((*random)()));
  }
  return text;
}

TEST(Text, CleansAnyBytesOnceAndForAll) {
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i) {
    const std::string text = RandomText(&random);
    for (const Sgr sgr : {Sgr::kKeep, Sgr::kDrop}) {
      const std::string clean = Sanitize(text, sgr);
      ASSERT_EQ(Sanitize(clean, sgr), clean);
      const std::string bare = StripSgr(clean);
      ASSERT_EQ(bare.find_first_of("\x1b\r\a\b\x7f"), bare.npos);
      const std::string quiet = NeutralizeCi(clean);
      ASSERT_EQ(NeutralizeCi(quiet), quiet);
    }
    const std::string xml = XmlSafe(text);
    ASSERT_EQ(XmlSafe(xml), xml);
    ASSERT_EQ(xml.find('\x1b'), xml.npos);
    const std::string line = SanitizeLine(text);
    ASSERT_EQ(SanitizeLine(line), line);
  }
}

}  // namespace
}  // namespace dist
