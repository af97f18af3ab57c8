#include "core/report/tally.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace dist {
namespace {

// pytest's order; its errors come last, and what only we know after them.
constexpr std::array<Verdict, kVerdictCount> kOrder = {
    Verdict::kFailed,  Verdict::kPassed,  Verdict::kSkipped,
    Verdict::kXfailed, Verdict::kXpassed, Verdict::kError,
    Verdict::kCrashed, Verdict::kTimeout, Verdict::kLost};

size_t Index(Verdict verdict) { return static_cast<size_t>(verdict); }

}  // namespace

void Tally::Judged(size_t platform, Verdict verdict) {
  ++done_;
  ++all_[Index(verdict)];
  ++Of(platform)[Index(verdict)];
}

void Tally::Amended(size_t platform, Verdict before, Verdict after) {
  for (VerdictCounts* counts : {&all_, &Of(platform)}) {
    size_t& former = (*counts)[Index(before)];
    if (former > 0) --former;
    ++(*counts)[Index(after)];
  }
}

void Tally::CollectorFailed(Verdict verdict) {
  if (verdict != Verdict::kSkipped) ++collect_errors_;
}

const VerdictCounts& Tally::of_platform(size_t platform) const {
  static constexpr VerdictCounts kNone = {};
  return platform < by_platform_.size() ? by_platform_[platform] : kNone;
}

VerdictCounts& Tally::Of(size_t platform) {
  if (platform >= by_platform_.size()) by_platform_.resize(platform + 1);
  return by_platform_[platform];
}

absl::string_view Tally::MainColour() const {
  if (AnyBad(all_) || collect_errors_ > 0) return Colour::kRed;
  const bool odd = warnings_ > 0 || all_[Index(Verdict::kXpassed)] > 0;
  if (odd) return Colour::kYellow;
  const bool none_passed = all_[Index(Verdict::kPassed)] == 0;
  return none_passed && complete() ? Colour::kYellow : Colour::kGreen;
}

std::string Tally::Percent() const {
  if (total_ == 0) return " [100%]";
  return absl::StrFormat(" [%3d%%]", std::min(done_, total_) * 100 / total_);
}

std::string Tally::InWords() const {
  return absl::StrJoin(CountWords(all_), ", ",
                       [](std::string* out, const CountWord& word) {
                         absl::StrAppend(out, word.text);
                       });
}

absl::string_view ColourOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPassed:
      return Colour::kGreen;
    case Verdict::kSkipped:
    case Verdict::kXfailed:
    case Verdict::kXpassed:
      return Colour::kYellow;
    case Verdict::kFailed:
    case Verdict::kError:
    case Verdict::kCrashed:
    case Verdict::kTimeout:
    case Verdict::kLost:
      return Colour::kRed;
  }
  return Colour::kRed;
}

bool AnyBad(const VerdictCounts& counts) {
  return std::any_of(kOrder.begin(), kOrder.end(), [&](Verdict verdict) {
    return counts[Index(verdict)] > 0 && ColourOf(verdict) == Colour::kRed;
  });
}

std::vector<CountWord> CountWords(const VerdictCounts& counts) {
  std::vector<CountWord> words;
  for (const Verdict verdict : kOrder) {
    const size_t count = counts[Index(verdict)];
    if (count == 0) continue;
    const bool plural = verdict == Verdict::kError && count != 1;
    words.push_back({absl::StrCat(count, " ", Word(verdict), plural ? "s" : ""),
                     ColourOf(verdict)});
  }
  return words;
}

}  // namespace dist
