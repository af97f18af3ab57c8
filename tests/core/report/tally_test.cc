#include "core/report/tally.h"

#include <gtest/gtest.h>

namespace dist {
namespace {

TEST(Tally, CountsAndMovesAmendedVerdicts) {
  Tally tally;
  tally.Grew(4);
  tally.Judged(0, Verdict::kPassed);
  tally.Judged(1, Verdict::kPassed);
  EXPECT_EQ(tally.Percent(), " [ 50%]");
  EXPECT_EQ(tally.MainColour(), Colour::kGreen);
  tally.Amended(1, Verdict::kPassed, Verdict::kError);
  EXPECT_EQ(tally.InWords(), "1 passed, 1 error");
  EXPECT_EQ(tally.done(), 2u);
  EXPECT_EQ(tally.MainColour(), Colour::kRed);
  EXPECT_EQ(tally.of_platform(1)[static_cast<size_t>(Verdict::kError)], 1u);
  EXPECT_EQ(tally.of_platform(9)[0], 0u);
}

TEST(Tally, IsYellowWithWarnings) {
  Tally tally;
  tally.Judged(0, Verdict::kPassed);
  tally.Warned();
  EXPECT_EQ(tally.MainColour(), Colour::kYellow);
}

TEST(Tally, SaysAllWhenTheSizeIsNotKnown) {
  EXPECT_EQ(Tally().Percent(), " [100%]");
}

}  // namespace
}  // namespace dist
