// The host keeper with real threads and processes.
#include "actors/host_keeper.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <atomic>
#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <condition_variable>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "actors/actor_class.h"
#include "actors/system.h"
#include "tests/support/process_test.h"
#include "transports/kept_children.h"
#include "transports/sweep.h"

namespace dist {
namespace {

// What the keeper said, by host.
struct Heard {
  std::mutex mutex;
  std::map<uint32_t, int> connected;  // Descriptors.
  std::map<uint32_t, std::string> gone;
  std::vector<std::string> notes;  // In order, with "gone" among them.

  size_t CountConnected() {
    const std::lock_guard<std::mutex> lock(mutex);
    return connected.size();
  }
  std::optional<std::string> Gone(uint32_t host) {
    const std::lock_guard<std::mutex> lock(mutex);
    const auto found = gone.find(host);
    if (found == gone.end()) return std::nullopt;
    return found->second;
  }
};

KeeperSinkHandle::behavior_type Sink(KeeperSinkHandle::pointer,
                                     std::shared_ptr<Heard> heard) {
  return {
      [heard](const HostConnected& e) {
        const std::lock_guard<std::mutex> lock(heard->mutex);
        heard->connected[e.host.value()] = e.fd;
      },
      [heard](const HostGone& e) {
        const std::lock_guard<std::mutex> lock(heard->mutex);
        heard->gone[e.host.value()] = e.text;
        heard->notes.push_back("gone");
      },
      [heard](const HostNoted& e) {
        const std::lock_guard<std::mutex> lock(heard->mutex);
        heard->notes.push_back(e.line);
      },
  };
}

class HostKeeperTest : public ::testing::Test {
 protected:
  HostKeeperTest() {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    sink_ = actors_.system().spawn(Sink, heard_);
  }
  ~HostKeeperTest() override {
    Leave();
    caf::anon_send_exit(sink_, caf::exit_reason::user_shutdown);
    sink_ = nullptr;
    for (const auto& [host, fd] : heard_->connected) close(fd);
  }

  void Keep(size_t hosts, ConnectFunction connect) {
    keeper_ = SpawnHostKeeper(actors_.system(), sink_,
                              std::vector<HostAddress>(hosts),
                              std::move(connect), ChildProcesses());
    for (uint32_t i = 0; i < hosts; ++i) {
      caf::anon_send(keeper_, MakeConnection{HostId(i), 1});
    }
  }
  void Bury(uint32_t host, const std::string& text) {
    caf::anon_send(keeper_, BuryHost{HostId(host), 1, text});
  }
  void Leave() {
    if (keeper_) caf::anon_send(keeper_, dist::Leave{});
    keeper_ = nullptr;
  }

  static int SomeFd() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

  // A process that leaves an orphan of another session when it is killed; both
  // write their numbers to `path`.
  static pid_t SpawnFamily(const std::string& path) {
    SpawnRequest request;
    request.argv = {"/bin/sh", "-c",
                    "setsid sleep 1000 & echo $$ $! > " + path + ".new; mv " +
                        path + ".new " + path + "; wait"};
    request.env = Environment();
    return SpawnKept(request).value_or(-1);
  }
  static std::vector<pid_t> Family(const std::string& path) {
    std::ifstream file(path);
    std::vector<pid_t> pids;
    for (pid_t pid = 0; file >> pid;) pids.push_back(pid);
    return pids;
  }

  std::shared_ptr<Heard> heard_ = std::make_shared<Heard>();
  ActorSystem actors_;
  KeeperSinkHandle sink_;
  HostKeeperHandle keeper_;
};

TEST_F(HostKeeperTest, ConnectsToSixteenHostsAtOnceAndNoMore) {
  std::atomic<size_t> entered{0}, inside{0}, most{0};
  std::mutex mutex;
  std::condition_variable opened;
  bool open = false;
  Keep(40, [&](const HostAddress&, const Patience&) {
    ++entered;
    const size_t now = ++inside;
    for (size_t seen = most; seen < now;) most.compare_exchange_weak(seen, now);
    std::unique_lock<std::mutex> lock(mutex);
    opened.wait(lock, [&] { return open; });
    --inside;
    return absl::StatusOr<Connection>(Connection{SomeFd(), -1, nullptr});
  });
  EXPECT_TRUE(Eventually([&] { return entered == kMaxAttempts; }))
      << "none may wait for another";
  {
    const std::lock_guard<std::mutex> lock(mutex);
    open = true;
  }
  opened.notify_all();
  EXPECT_TRUE(Eventually([&] { return heard_->CountConnected() == 40; }));
  EXPECT_EQ(most, kMaxAttempts);
}

TEST_F(HostKeeperTest, SaysWhyAHostCannotBeReached) {
  Keep(1, [](const HostAddress&, const Patience&) {
    return absl::StatusOr<Connection>(absl::UnavailableError("refused"));
  });
  EXPECT_TRUE(Eventually([&] { return heard_->Gone(0) == "refused"; }));
}

TEST_F(HostKeeperTest, HandsOnNotesThoughTheConnectionFails) {
  Keep(1, [](const HostAddress&, const Patience& patience) {
    patience.note("a: using the ssh program");
    return absl::StatusOr<Connection>(absl::UnavailableError("refused"));
  });
  EXPECT_TRUE(Eventually([&] { return heard_->Gone(0) == "refused"; }));
  const std::vector<std::string> wanted = {"a: using the ssh program", "gone"};
  EXPECT_EQ(heard_->notes, wanted);
}

// The test ends when the keeper has: the actor system waits for it.
TEST_F(HostKeeperTest, CancelsWhatItWaitsForWhenItLeaves) {
  std::atomic<int> waiting{0}, cancelled{0};
  Keep(3, [&](const HostAddress&, const Patience& patience) {
    ++waiting;
    pollfd cancel = {patience.cancel_fd, POLLIN, 0};
    if (poll(&cancel, 1, 60 * 1000) == 1) ++cancelled;
    return absl::StatusOr<Connection>(absl::CancelledError("given up"));
  });
  ASSERT_TRUE(Eventually([&] { return waiting == 3; }));
  Leave();
  EXPECT_TRUE(Eventually([&] { return cancelled == 3; }));
}

TEST_F(HostKeeperTest, EndsAConnectionThatComesTooLate) {
  const std::string path = ::testing::TempDir() + "/late";
  std::atomic<bool> waiting{false};
  Keep(1, [&](const HostAddress&, const Patience& patience) {
    waiting = true;
    pollfd cancel = {patience.cancel_fd, POLLIN, 0};
    poll(&cancel, 1, 60 * 1000);
    const pid_t child = SpawnFamily(path);
    Eventually([&] { return Family(path).size() == 2; });
    return absl::StatusOr<Connection>(Connection{SomeFd(), child, nullptr});
  });
  ASSERT_TRUE(Eventually([&] { return waiting.load(); }));
  Leave();
  EXPECT_TRUE(Eventually([&] {
    const std::vector<pid_t> family = Family(path);
    return family.size() == 2 && !IsRunning(family[0]) && !IsRunning(family[1]);
  }));
  EXPECT_EQ(heard_->CountConnected(), 0u);
}

TEST_F(HostKeeperTest, BuriesAHostWithAllItLeftAndNothingElse) {
  const std::string paths[] = {::testing::TempDir() + "/one",
                               ::testing::TempDir() + "/two"};
  std::atomic<int> next{0};
  Keep(2, [&](const HostAddress&, const Patience&) {
    const std::string& path = paths[next++];
    const pid_t child = SpawnFamily(path);
    Eventually([&] { return Family(path).size() == 2; });
    auto witness = std::make_shared<StreamWitness>();
    witness->AddWords("Connection reset\nby peer\n");
    witness->SetEnd("exit status 255");
    return absl::StatusOr<Connection>(Connection{SomeFd(), child, witness});
  });
  ASSERT_TRUE(Eventually([&] { return heard_->CountConnected() == 2; }));
  Bury(0, "the node is gone");
  ASSERT_TRUE(Eventually([&] { return heard_->Gone(0).has_value(); }));
  EXPECT_EQ(*heard_->Gone(0),
            "the node is gone: exit status 255: Connection reset; by peer");
  int running = 0;
  for (const std::string& path : paths) {
    const std::vector<pid_t> family = Family(path);
    ASSERT_EQ(family.size(), 2u);
    EXPECT_EQ(IsRunning(family[0]), IsRunning(family[1]));
    running += IsRunning(family[0]) ? 1 : 0;
  }
  EXPECT_EQ(running, 1);
  EXPECT_EQ(KeptChildren().size(), 1u);
}

}  // namespace
}  // namespace dist
