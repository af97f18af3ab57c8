#include "core/base/nearest.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace dist {
namespace {

// Longer words are data, not typing errors; comparing them would cost much.
constexpr size_t kLongestWord = 64;

}  // namespace

int EditDistance(absl::string_view a, absl::string_view b) {
  // Three rows of the usual table: a swap looks two rows back.
  std::vector<int> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = static_cast<int>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = static_cast<int>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const int replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      const bool swapped =
          i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

std::optional<std::string> Nearest(absl::string_view word,
                                   absl::Span<const std::string> candidates) {
  if (word.empty() || word.size() > kLongestWord) return std::nullopt;
  const std::string lower = absl::AsciiStrToLower(word);
  std::optional<std::string> best;
  int best_distance = 0;
  for (const std::string& candidate : candidates) {
    const size_t longer = std::max(candidate.size(), word.size());
    const int allowed = std::max(1, static_cast<int>(longer / 3));
    const int distance = EditDistance(lower, absl::AsciiStrToLower(candidate));
    // One edit of a one-letter word leaves nothing of it.
    if (distance > allowed || (distance > 0 && longer < 2)) continue;
    if (best && distance >= best_distance) continue;
    best = candidate;
    best_distance = distance;
  }
  return best;
}

std::string DidYouMean(absl::string_view word,
                       absl::Span<const std::string> candidates,
                       absl::string_view otherwise) {
  const std::optional<std::string> near = Nearest(word, candidates);
  return near ? absl::StrCat("did you mean '", *near, "'?")
              : std::string(otherwise);
}

}  // namespace dist
