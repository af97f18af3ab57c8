// Which known word a mistyped one was most likely meant to be.
#ifndef DIST_CORE_BASE_NEAREST_H_
#define DIST_CORE_BASE_NEAREST_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace dist {

// Number of insertions, deletions, replacements and swaps of neighbours that
// turn `a` into `b` (optimal string alignment), in bytes. O(|a| * |b|).
int EditDistance(absl::string_view a, absl::string_view b);

// Returns the candidate nearest to `word`, the first of equals, or nothing
// when none is near: at most one edit for every three bytes of the longer
// word, as rustc suggests names. Upper and lower case count as equal here.
std::optional<std::string> Nearest(absl::string_view word,
                                   absl::Span<const std::string> candidates);

// "did you mean 'python'?", or `otherwise` when no candidate is near.
std::string DidYouMean(absl::string_view word,
                       absl::Span<const std::string> candidates,
                       absl::string_view otherwise);

}  // namespace dist

#endif  // DIST_CORE_BASE_NEAREST_H_
