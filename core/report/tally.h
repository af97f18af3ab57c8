// Counts of a run while it goes on, and what pytest would colour them.
#ifndef DIST_CORE_REPORT_TALLY_H_
#define DIST_CORE_REPORT_TALLY_H_

#include <array>
#include <string>
#include <vector>

#include "core/model/run_event.h"
#include "core/report/page.h"

namespace dist {

// Verdicts, as an array by Verdict.
using VerdictCounts = std::array<size_t, kVerdictCount>;

class Tally {
 public:
  void Judged(size_t platform, Verdict verdict);
  void Amended(size_t platform, Verdict before, Verdict after);
  void CollectorFailed(Verdict verdict);
  void Warned() { ++warnings_; }
  void Grew(size_t tests) { total_ = tests; }

  size_t done() const { return done_; }
  size_t total() const { return total_; }
  size_t warnings() const { return warnings_; }
  bool complete() const { return done_ > 0 && done_ >= total_; }
  const VerdictCounts& of_platform(size_t platform) const;

  // pytest's colour for percentages: red once something is bad.
  absl::string_view MainColour() const;

  // " [ 50%]"; of a run whose size is not known " [100%]", as pytest.
  std::string Percent() const;

  // "2 failed, 98 passed", for people who watch.
  std::string InWords() const;

 private:
  VerdictCounts& Of(size_t platform);

  VerdictCounts all_{};
  std::vector<VerdictCounts> by_platform_;
  size_t done_ = 0;
  size_t total_ = 0;
  size_t warnings_ = 0;
  size_t collect_errors_ = 0;
};

// A verdict's colour in pytest's palette.
absl::string_view ColourOf(Verdict verdict);

// Whether a run with these verdicts is red.
bool AnyBad(const VerdictCounts& counts);

// "2 failed", "1 error", "3 errors", ... in pytest's order, zeros left out.
struct CountWord {
  std::string text;
  absl::string_view colour;
};
std::vector<CountWord> CountWords(const VerdictCounts& counts);

}  // namespace dist

#endif  // DIST_CORE_REPORT_TALLY_H_
