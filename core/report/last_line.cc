#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/report/summary.h"
#include "core/report/text.h"

namespace dist {
namespace {

size_t Of(const VerdictCounts& counts, Verdict verdict) {
  return counts[static_cast<size_t>(verdict)];
}

// The run's words in pytest's order; ours come after pytest's.
std::vector<CountWord> Words(const RunEnded& ended, size_t warnings) {
  std::vector<CountWord> words;
  const auto add = [&](size_t count, absl::string_view word,
                       absl::string_view colour) {
    if (count > 0) words.push_back({absl::StrCat(count, " ", word), colour});
  };
  const VerdictCounts& counts = ended.counts;
  const size_t errors = Of(counts, Verdict::kError) + ended.collect_errors;
  add(Of(counts, Verdict::kFailed), "failed", Colour::kRed);
  add(Of(counts, Verdict::kPassed), "passed", Colour::kGreen);
  add(Of(counts, Verdict::kSkipped) + ended.collect_skips, "skipped",
      Colour::kYellow);
  add(ended.deselected, "deselected", Colour::kYellow);
  add(Of(counts, Verdict::kXfailed), "xfailed", Colour::kYellow);
  add(Of(counts, Verdict::kXpassed), "xpassed", Colour::kYellow);
  add(warnings, warnings == 1 ? "warning" : "warnings", Colour::kYellow);
  add(errors, errors == 1 ? "error" : "errors", Colour::kRed);
  add(Of(counts, Verdict::kCrashed), "crashed", Colour::kRed);
  add(Of(counts, Verdict::kTimeout), "timeout", Colour::kRed);
  add(Of(counts, Verdict::kLost), "lost", Colour::kRed);
  add(ended.flaky, "flaky", Colour::kYellow);
  add(ended.unrun, "not run", Colour::kYellow);
  if (words.empty()) words.push_back({"no tests ran", Colour::kYellow});
  return words;
}

absl::string_view MainColour(const RunEnded& ended, size_t warnings) {
  if (AnyBad(ended.counts) || ended.collect_errors > 0) return Colour::kRed;
  const bool odd = warnings > 0 || ended.unrun > 0 || ended.flaky > 0 ||
                   Of(ended.counts, Verdict::kXpassed) > 0;
  const bool passed = Of(ended.counts, Verdict::kPassed) > 0;
  return passed && !odd ? Colour::kGreen : Colour::kYellow;
}

// Lays out `words` as pytest does: each in its colour, the deciding ones bold.
void PrintWords(const std::vector<CountWord>& words,
                absl::string_view main_colour, absl::Duration duration,
                const ReportOptions& options, Page& page) {
  std::string plain;
  std::string painted;
  for (const CountWord& word : words) {
    const absl::string_view comma = plain.empty() ? "" : ", ";
    absl::StrAppend(&plain, comma, word.text);
    const std::string bold =
        absl::StrCat(word.colour, word.colour == main_colour ? "\x1b[1m" : "");
    absl::StrAppend(&painted, comma, page.Paint(word.text, bold));
  }
  const std::string tail = absl::StrCat(" in ", SessionDuration(duration));
  absl::StrAppend(&plain, tail);
  absl::StrAppend(&painted, page.Paint(tail, main_colour));
  if (options.verbosity < 0) return page.Line(painted);
  // The separator's two sides around the painted text.
  const std::string line = SepLine('=', plain, page.width());
  const size_t start = line.find(plain);
  page.Line(
      absl::StrCat(page.Paint(line.substr(0, start), main_colour), painted,
                   page.Paint(line.substr(start + plain.size()), main_colour)));
}

}  // namespace

std::string SessionDuration(absl::Duration duration) {
  const double seconds = std::max(0.0, absl::ToDoubleSeconds(duration));
  if (!(seconds >= 60)) return absl::StrFormat("%.2fs", seconds);
  if (seconds > 1e9) return absl::StrFormat("%.2fs", 1e9);
  const auto whole = static_cast<int64_t>(seconds);
  std::string clock = absl::StrFormat("%d:%02d:%02d", whole / 3600 % 24,
                                      whole / 60 % 60, whole % 60);
  if (const int64_t days = whole / 86400; days > 0) {
    clock = absl::StrCat(days, days == 1 ? " day, " : " days, ", clock);
  }
  return absl::StrFormat("%.2fs (%s)", seconds, clock);
}

void PrintLastLine(const RunEnded& ended, size_t warnings,
                   absl::Duration duration, const ReportOptions& options,
                   Page& page) {
  PrintWords(Words(ended, warnings), MainColour(ended, warnings), duration,
             options, page);
}

void PrintCollectedLine(const RunEnded& ended, size_t tests,
                        absl::Duration duration, const ReportOptions& options,
                        Page& page) {
  const size_t all = tests + ended.deselected;
  CountWord word{absl::StrCat(all, all == 1 ? " test" : " tests", " collected"),
                 Colour::kGreen};
  if (tests == 0) word = {"no tests collected", Colour::kYellow};
  if (ended.deselected > 0) {
    if (tests > 0) word.text = absl::StrCat(tests, "/", word.text);
    absl::StrAppend(&word.text, " (", ended.deselected, " deselected)");
  }
  std::vector<CountWord> words = {word};
  absl::string_view colour = word.colour;
  if (const size_t errors = ended.collect_errors; errors > 0) {
    colour = Colour::kRed;
    words.push_back(
        {absl::StrCat(errors, errors == 1 ? " error" : " errors"), colour});
  }
  PrintWords(words, colour, duration, options, page);
}

}  // namespace dist
