// A node whose coordinator goes silent kills its workers: a coordinator that is
// stopped, or behind a cut cable, closes no connection.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "actors/node.h"
#include "tests/support/link_peer.h"
#include "tests/support/own_cache.h"
#include "tests/support/process_test.h"
#include "tests/support/worker_script.h"
#include "transports/sweep.h"

namespace dist {
namespace {

class DeadmanTest : public ::testing::Test {
 protected:
  DeadmanTest() {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    timers_.ping = absl::Milliseconds(100);
    timers_.silent = absl::Milliseconds(800);
  }
  ~DeadmanTest() override { KillDescendants(absl::Seconds(5), {}); }

  // Runs `body` in a process of its own.
  template <class F>
  pid_t Fork(F body) {
    const pid_t pid = fork();
    if (pid == 0) {
      body();
      _exit(0);
    }
    return pid;
  }

  const OwnCache cache_;
  LinkTimers timers_;
  WorkerScript script_{::testing::TempDir() + "/deadman"};
};

TEST_F(DeadmanTest, ANodeKillsItsWorkersWhenTheCoordinatorGoesSilent) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const pid_t node = Fork([&] {
    close(ends[0]);
    RunNode(ends[1], timers_);
  });
  const pid_t coordinator = Fork([&] {
    close(ends[1]);
    LinkPeer peer(ends[0], timers_);
    peer.Send(NodeCommand(script_.Command()));
    peer.RunUntil([] { return false; }, 60);
  });
  close(ends[0]);
  close(ends[1]);
  ASSERT_TRUE(Eventually([&] { return script_.Started(); }));
  // Pings keep it alive for much longer than it bears silence.
  EXPECT_FALSE(Eventually([&] { return script_.IsGone(); }, 1.2));
  kill(coordinator, SIGSTOP);
  EXPECT_TRUE(Eventually([&] { return script_.IsGone(); }, 3));
  EXPECT_TRUE(Eventually([&] { return !IsRunning(node); }, 3));
}

TEST_F(DeadmanTest, APeerThatNeverSaysHelloIsLeft) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const pid_t node = Fork([&] {
    close(ends[0]);
    RunNode(ends[1], timers_);
  });
  close(ends[1]);
  EXPECT_TRUE(Eventually([&] { return !IsRunning(node); }, 3));
  close(ends[0]);
}

}  // namespace
}  // namespace dist
