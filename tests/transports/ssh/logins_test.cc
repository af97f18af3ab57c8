#include "transports/ssh/logins.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "tests/support/process_test.h"

namespace dist {
namespace {

std::vector<LoginTurn> TakeAll(const std::string& server) {
  std::vector<LoginTurn> turns;
  for (int i = 0; i < kMostLogins; ++i) {
    turns.push_back(*WaitForLoginTurn(server, Patience()));
  }
  return turns;
}

Patience Short() {
  Patience patience;
  patience.deadline = absl::Now() + absl::Milliseconds(20);
  return patience;
}

TEST(LoginsTest, NoMoreThanEightAtOneServer) {
  std::atomic<int> now{0}, most{0}, done{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 40; ++i) {
    threads.emplace_back([&] {
      const auto turn = WaitForLoginTurn("a", Patience());
      ASSERT_TRUE(turn.ok());
      const int pending = ++now;
      for (int seen = most; seen < pending;) {
        if (most.compare_exchange_weak(seen, pending)) break;
      }
      std::this_thread::yield();
      --now;
      ++done;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(done, 40);
  EXPECT_LE(most, kMostLogins);
}

TEST(LoginsTest, ServersAreIndependent) {
  const std::vector<LoginTurn> turns = TakeAll("a");
  EXPECT_TRUE(
      absl::IsDeadlineExceeded(WaitForLoginTurn("a", Short()).status()));
  EXPECT_TRUE(WaitForLoginTurn("b", Short()).ok());
}

TEST(LoginsTest, WhoeverGivesUpLosesNoTurn) {
  std::vector<LoginTurn> turns = TakeAll("a");
  int cancel[2];
  ASSERT_EQ(pipe2(cancel, O_CLOEXEC), 0);
  Patience patience;
  patience.cancel_fd = cancel[0];
  std::thread waiting([&] {
    EXPECT_TRUE(absl::IsCancelled(WaitForLoginTurn("a", patience).status()));
  });
  close(cancel[1]);
  waiting.join();
  close(cancel[0]);
  turns.clear();
  // All eight are there again.
  EXPECT_EQ(TakeAll("a").size(), static_cast<size_t>(kMostLogins));
}

TEST(LoginsTest, ATurnGoesToWhoWaitsLongest) {
  std::vector<LoginTurn> turns = TakeAll("a");
  std::atomic<bool> got{false};
  std::thread waiting([&] {
    const auto turn = WaitForLoginTurn("a", Patience());
    got = turn.ok();
  });
  turns.pop_back();
  waiting.join();
  EXPECT_TRUE(got);
}

}  // namespace
}  // namespace dist
