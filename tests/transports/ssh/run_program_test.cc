#include "transports/ssh/run_program.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "absl/time/clock.h"
#include "transports/sweep.h"

namespace dist {
namespace {

TEST(RunProgramTest, GivesWhatItPrints) {
  const auto result = RunProgram(
      {"sh", "-c", "echo out; echo err >&2; cat; exit 3"}, Patience());
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->out, "out\n");
  EXPECT_EQ(result->err, "err\n");
  EXPECT_EQ(result->status, 3);
}

TEST(RunProgramTest, ASignalIsAStatus) {
  const auto result = RunProgram({"sh", "-c", "kill -9 $$"}, Patience());
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->status, 128 + 9);
}

TEST(RunProgramTest, MuchOutputIsBoundedAndDrained) {
  const auto result = RunProgram(
      {"sh", "-c",
       "head -c 3000000 /dev/zero >&2; head -c 3000000 /dev/zero; exit 5"},
      Patience());
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->status, 5);
  EXPECT_LE(result->out.size(), 1100000u);
  EXPECT_LE(result->err.size(), 1100000u);
}

TEST(RunProgramTest, IsKilledWithItsChildrenWhenPatienceEnds) {
  int cancel[2];
  ASSERT_EQ(pipe2(cancel, O_CLOEXEC), 0);
  Patience patience;
  patience.cancel_fd = cancel[0];
  std::thread impatient([&] { close(cancel[1]); });
  const auto result =
      RunProgram({"sh", "-c", "sleep 1000 & sleep 1000"}, patience);
  impatient.join();
  close(cancel[0]);
  EXPECT_TRUE(absl::IsCancelled(result.status()));
  EXPECT_TRUE(ChildProcesses().empty());
}

TEST(RunProgramTest, AProgramThatIsNotThereIsNotFound) {
  EXPECT_TRUE(
      absl::IsNotFound(RunProgram({"no-such-program"}, Patience()).status()));
}

}  // namespace
}  // namespace dist
