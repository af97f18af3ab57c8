#include "core/report/progress.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/report/text.h"

namespace dist {
namespace {

constexpr size_t kPercentWidth = 7;   // " [100%]".
constexpr size_t kLongestLetter = 4;  // Plugins may say more than a letter.

absl::string_view DefaultLetter(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPassed:
      return ".";
    case Verdict::kFailed:
      return "F";
    case Verdict::kError:
      return "E";
    case Verdict::kSkipped:
      return "s";
    case Verdict::kXfailed:
      return "x";
    case Verdict::kXpassed:
      return "X";
    case Verdict::kCrashed:
      return "C";
    case Verdict::kTimeout:
      return "T";
    case Verdict::kLost:
      return "L";
  }
  return "?";
}

std::string DefaultWord(Verdict verdict) {
  if (verdict == Verdict::kXfailed) return "XFAIL";
  if (verdict == Verdict::kXpassed) return "XPASS";
  return absl::AsciiStrToUpper(Word(verdict));
}

Mark DefaultMark(Verdict verdict) {
  return {std::string(DefaultLetter(verdict)), DefaultWord(verdict), verdict};
}

Mark MarkOf(const PhaseReport& report) {
  Mark mark = DefaultMark(report.verdict);
  if (!report.letter.empty()) {
    mark.letter = std::string(
        Truncate(SanitizeLine(absl::string_view(report.letter).substr(0, 64)),
                 kLongestLetter));
  }
  if (!report.word.empty()) mark.word = SanitizeLine(report.word);
  return mark;
}

// Setup and teardown that passed say nothing of their own.
bool IsSilent(const PhaseReport& report) {
  return report.rerun ||
         (report.verdict == Verdict::kPassed && report.phase != Phase::kCall);
}

absl::string_view IdOf(const std::string* id) {
  return id == nullptr ? absl::string_view() : absl::string_view(*id);
}

}  // namespace

std::vector<Mark> MarksOf(const TestJudged& test) {
  if (test.verdict >= Verdict::kCrashed) return {DefaultMark(test.verdict)};
  std::vector<Mark> marks;
  bool only_teardown = true;
  for (const PhaseReport& report : test.reports) {
    if (IsSilent(report)) continue;
    marks.push_back(MarkOf(report));
    only_teardown &= report.phase == Phase::kTeardown;
  }
  if (marks.empty()) return {DefaultMark(test.verdict)};
  // A call that passed is not reported, but pytest shows it.
  if (only_teardown) marks.insert(marks.begin(), DefaultMark(Verdict::kPassed));
  return marks;
}

Progress::Style Progress::StyleFor(const ReportOptions& options) {
  if (options.verbosity < 0 || options.collect_only) return Style::kNothing;
  if (options.verbosity > 0) return Style::kLines;
  const bool watched = options.live && options.stdout_is_terminal;
  return watched ? Style::kBadOnes : Style::kLetters;
}

Progress::Progress(Style style, const ReportOptions& options, Page& page,
                   const Roster& roster, const Tally& tally)
    : style_(style),
      ci_(options.ci),
      page_(page),
      roster_(roster),
      tally_(tally),
      passed_letter_(page.Paint(".", Colour::kGreen)) {}

void Progress::Judged(const TestJudged& test) {
  if (style_ == Style::kNothing) return;
  const bool plain = test.verdict == Verdict::kPassed && test.reports.empty();
  if (plain && style_ == Style::kBadOnes) return;
  if (plain && style_ == Style::kLetters) {
    page_.Write(passed_letter_, 1);
  } else {
    for (const Mark& mark : MarksOf(test)) Show(test, mark);
  }
  if (style_ == Style::kLetters) EndLetters();
}

void Progress::TriedAgain(const TestTriedAgain& event) {
  if (style_ == Style::kNothing || style_ == Style::kBadOnes) return;
  Show(event.attempt, {"R", "RERUN", Verdict::kSkipped});
}

void Progress::Amended(const VerdictAmended& event) {
  if (style_ == Style::kNothing) return;
  TestJudged test;
  test.id = event.id;
  test.platform = event.platform;
  test.worker = event.worker;
  Show(test, MarkOf(event.report));
}

void Progress::Show(const TestJudged& test, const Mark& mark) {
  switch (style_) {
    case Style::kNothing:
      return;
    case Style::kLetters:
      return ShowLetter(mark);
    case Style::kLines:
      return ShowLine(test, mark);
    case Style::kBadOnes:
      return ShowBad(test, mark);
  }
}

void Progress::ShowLetter(const Mark& mark) {
  std::string letter = mark.letter;
  // Several tests could spell a command together.
  if (ci_) letter = absl::StrReplaceAll(letter, {{":", "?"}, {"#", "?"}});
  page_.Write(page_.Paint(letter, ColourOf(mark.verdict)),
              DisplayWidth(letter));
}

void Progress::ShowLine(const TestJudged& test, const Mark& mark) {
  std::string line;
  if (!test.worker.empty()) {
    line = absl::StrCat("[", SanitizeLine(test.worker), "]");
  }
  absl::StrAppend(&line, page_.Paint(tally_.Percent(), Colour::kCyan), " ",
                  page_.Paint(mark.word, ColourOf(mark.verdict)), " ",
                  SanitizeLine(IdOf(test.id)),
                  roster_.OnPlatform(test.platform));
  if (test.flaky) {
    absl::StrAppend(&line, " (flaky: attempt ", test.attempt, ")");
  }
  page_.Line(line);
}

void Progress::ShowBad(const TestJudged& test, const Mark& mark) {
  if (ColourOf(mark.verdict) != Colour::kRed) return;
  page_.Line(absl::StrCat(page_.Paint(mark.word, Colour::kRed), " ",
                          SanitizeLine(IdOf(test.id)),
                          roster_.OnPlatform(test.platform)));
}

void Progress::EndLetters() {
  const size_t column = page_.column();
  if (tally_.complete()) {
    const std::string percent = tally_.Percent();
    const size_t used = column + percent.size() + 1;
    const size_t fill = page_.width() > used ? page_.width() - used : 0;
    const std::string text = std::string(fill, ' ') + percent;
    page_.Write(page_.Paint(text, tally_.MainColour()), text.size());
    page_.EndLine();
  } else if (column + kPercentWidth + 1 >= page_.width()) {
    page_.Write(page_.Paint(tally_.Percent(), tally_.MainColour()),
                kPercentWidth);
    page_.EndLine();
  }
}

}  // namespace dist
