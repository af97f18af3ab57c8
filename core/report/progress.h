// What is said of each test as its verdict comes in: letters or lines.
#ifndef DIST_CORE_REPORT_PROGRESS_H_
#define DIST_CORE_REPORT_PROGRESS_H_

#include <string>
#include <vector>

#include "core/model/run_event.h"
#include "core/report/page.h"
#include "core/report/roster.h"
#include "core/report/tally.h"

namespace dist {

// A letter and a word for one phase of a test, as pytest shows it.
struct Mark {
  std::string letter;  // Clean; may be empty.
  std::string word;    // Clean.
  Verdict verdict = Verdict::kPassed;
};

// What pytest would show for this test: one mark, or several when its call and
// its teardown both have something to say.
std::vector<Mark> MarksOf(const TestJudged& test);

class Progress {
 public:
  enum class Style {
    kNothing,  // -q, --collect-only.
    kLetters,  // As pytest: letters and a percentage at the line's end.
    kLines,    // -v: a line a test.
    kBadOnes,  // A live block counts; only what went wrong gets a line.
  };
  static Style StyleFor(const ReportOptions& options);

  Progress(Style style, const ReportOptions& options, Page& page,
           const Roster& roster, const Tally& tally);

  // REQUIRES: the tally has counted the verdict already.
  void Judged(const TestJudged& test);
  void TriedAgain(const TestTriedAgain& event);
  void Amended(const VerdictAmended& event);

 private:
  void Show(const TestJudged& test, const Mark& mark);
  void ShowLetter(const Mark& mark);
  void ShowLine(const TestJudged& test, const Mark& mark);
  void ShowBad(const TestJudged& test, const Mark& mark);
  void EndLetters();

  const Style style_;
  const bool ci_;
  Page& page_;
  const Roster& roster_;
  const Tally& tally_;
  const std::string passed_letter_;
};

}  // namespace dist

#endif  // DIST_CORE_REPORT_PROGRESS_H_
