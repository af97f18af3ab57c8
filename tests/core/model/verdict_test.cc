#include "core/model/verdict.h"

#include <set>

#include "gtest/gtest.h"

namespace dist {
namespace {

TEST(Verdict, HasAWordOfItsOwnEach) {
  std::set<std::string> words;
  for (const Verdict verdict : kAllVerdicts) words.insert(to_string(verdict));
  EXPECT_EQ(words.size(), kVerdictCount);
  EXPECT_EQ(words.count("unknown"), 0u);
}

struct Row {
  Verdict verdict;
  const char* word;
  bool bad;
};

TEST(Verdict, IsBadIfTheTestIsBroken) {
  for (const Row& row : {
           Row{Verdict::kPassed, "passed", false},
           Row{Verdict::kFailed, "failed", true},
           Row{Verdict::kError, "error", true},
           Row{Verdict::kSkipped, "skipped", false},
           Row{Verdict::kXfailed, "xfailed", false},
           Row{Verdict::kXpassed, "xpassed", false},
           Row{Verdict::kCrashed, "crashed", true},
           Row{Verdict::kTimeout, "timeout", true},
           Row{Verdict::kLost, "lost", false},
       }) {
    EXPECT_EQ(Word(row.verdict), row.word);
    EXPECT_EQ(IsBad(row.verdict), row.bad) << row.word;
  }
}

}  // namespace
}  // namespace dist
