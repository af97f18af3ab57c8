#include "transports/wait.h"

#include <gtest/gtest.h>

#include <optional>

#include "absl/time/clock.h"
#include "transports/terminal.h"

namespace dist {
namespace {

constexpr absl::Duration kLimit = absl::Milliseconds(300);

// What is left of it does not change while a question is open.
TEST(WaitTest, TheClockStandsStillForAQuestion) {
  Patience patience;
  patience.deadline = absl::Now() + kLimit;
  {
    const OpenQuestion question;
    EXPECT_TRUE(WaitAtMost(-1, 0, 2 * kLimit, patience).ok());
    EXPECT_GT(DeadlineOf(patience) - absl::Now(), absl::ZeroDuration());
  }
  EXPECT_LE(DeadlineOf(patience) - absl::Now(), kLimit);
  EXPECT_TRUE(absl::IsDeadlineExceeded(WaitFor(-1, 0, patience)));
  EXPECT_GE(absl::Now(), patience.deadline + 2 * kLimit);
}

TEST(WaitTest, AQuestionThatIsOverBuysNobodyTime) {
  {
    const OpenQuestion question;
    absl::SleepFor(kLimit);
  }
  Patience patience;
  patience.deadline = absl::Now() + kLimit;
  EXPECT_EQ(DeadlineOf(patience), patience.deadline);
}

TEST(WaitTest, ShorterPatienceKnowsOfQuestionsToo) {
  Patience patience;
  patience.deadline = absl::Now() + kLimit;
  std::optional<OpenQuestion> question(std::in_place);
  absl::SleepFor(kLimit);
  const Patience rest = AtMost(absl::InfiniteDuration(), patience);
  const Patience shorter = AtMost(kLimit / 3, patience);
  EXPECT_GT(rest.deadline, patience.deadline);
  EXPECT_LE(shorter.deadline, absl::Now() + kLimit / 3);
  absl::SleepFor(kLimit);
  EXPECT_TRUE(CheckPatience(rest).ok());
  EXPECT_TRUE(CheckPatience(shorter).ok());
  question.reset();
  EXPECT_TRUE(absl::IsDeadlineExceeded(WaitFor(-1, 0, shorter)));
  EXPECT_TRUE(absl::IsDeadlineExceeded(WaitFor(-1, 0, rest)));
}

}  // namespace
}  // namespace dist
