// Real hosts that dial, and real nodes there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/model/node_messages.h"
#include "core/model/version.h"
#include "tests/support/link_peer.h"
#include "tests/support/process_test.h"
#include "tests/support/serve_host.h"
#include "tests/support/worker_script.h"
#include "transports/serve/reception.h"
#include "transports/tls/key.h"
#include "transports/transport.h"
#include "transports/wait.h"

namespace dist {
namespace {

using ::testing::HasSubstr;

class DialerTest : public ::testing::Test {
 protected:
  // A port that is ours, where nobody listens yet.
  DialerTest() { Listen(); }

  void Listen() {
    auto listening = ListenAt("--listen", &address_);
    ASSERT_TRUE(listening.ok()) << listening.status();
    listening_ = *std::move(listening);
  }
  ServeHostOptions Dials() const {
    ServeHostOptions options;
    options.dial = address_.port;
    return options;
  }
  void Receive(const ServeHost& host) {
    reception_ = std::make_shared<Reception>(
        std::move(listening_), *ReadServeKey(host.key_file()), BuildVersion(),
        [](const std::string&) {});
  }
  absl::StatusOr<Connection> Connect() {
    HostAddress host;
    host.transport = "listen";
    host.name = "dialled";
    host.reception = reception_;
    Patience patience;
    patience.deadline = absl::Now() + absl::Seconds(15);
    return ConnectByTable(host, patience);
  }
  static bool Says(const ServeHost& host, const std::string& words) {
    return Eventually([&] { return absl::StrContains(host.log(), words); }, 15);
  }

  SocketAddress address_{"127.0.0.1", 0};
  OwnedFd listening_;
  std::shared_ptr<Reception> reception_;
};

TEST_F(DialerTest, ComesAgainForTheNextRun) {
  const ServeHost host(Dials());
  Receive(host);
  pid_t last = 0;
  for (int i = 0; i < 3; ++i) {
    const auto made = Connect();
    ASSERT_TRUE(made.ok()) << made.status() << host.log();
    LinkPeer peer(*made);
    const pid_t node = NodeOf(&peer);
    EXPECT_NE(node, 0);
    EXPECT_NE(node, last);
    last = node;
    // However it ends.
    if (i == 1) kill(node, SIGKILL);
  }
  EXPECT_TRUE(Eventually([&] { return !IsRunning(last); }));
}

TEST_F(DialerTest, TriesUntilSomebodyListens) {
  listening_.Reset();
  const ServeHost host(Dials());
  ASSERT_TRUE(Says(host, "connection refused by 127.0.0.1:"));
  EXPECT_THAT(host.log(), HasSubstr("help: is dist --listen running there"));
  Listen();
  Receive(host);
  const auto made = Connect();
  ASSERT_TRUE(made.ok()) << made.status() << host.log();
  LinkPeer peer(*made);
  EXPECT_NE(NodeOf(&peer), 0);
  // It said so once, not with each attempt.
  const std::string log = host.log();
  EXPECT_EQ(log.find("refused"), log.rfind("refused")) << log;
}

TEST_F(DialerTest, OnceIsOnce) {
  ServeHostOptions options = Dials();
  options.once = true;
  ServeHost host(options);
  Receive(host);
  {
    LinkPeer peer(*Connect());
    EXPECT_NE(NodeOf(&peer), 0);
  }
  EXPECT_EQ(host.WaitForEnd(), 0) << host.log();
}

TEST_F(DialerTest, ASignalEndsWaitingAtOnce) {
  ServeHost host(Dials());
  Receive(host);
  ASSERT_TRUE(Says(host, "for a run"));
  host.Signal(SIGTERM);
  EXPECT_EQ(host.WaitForEnd(), 0);
  listening_.Reset();
  reception_.reset();
  ServeHost alone(Dials());
  ASSERT_TRUE(Says(alone, "refused"));
  alone.Signal(SIGTERM);
  EXPECT_EQ(alone.WaitForEnd(), 0);
}

TEST_F(DialerTest, ASignalLetsTheRunEndAndASecondOneEndsIt) {
  ServeHost host(Dials());
  Receive(host);
  WorkerScript script(::testing::TempDir() + "/dial_drain");
  LinkPeer peer(*Connect());
  ASSERT_NE(NodeOf(&peer), 0);
  host.Signal(SIGTERM);
  ASSERT_TRUE(Says(host, "waits for 1 run to end"));
  peer.Send(NodeCommand(script.Command()));
  ASSERT_TRUE(peer.RunUntil([&] { return script.Started(); }));
  host.Signal(SIGTERM);
  EXPECT_TRUE(peer.RunUntil([&] { return peer.ended(); }, 5));
  EXPECT_EQ(host.WaitForEnd(), 0);
  EXPECT_TRUE(script.IsGone());
}

TEST_F(DialerTest, ACoordinatorThatGoesLeavesNothingAndIsDialledAgain) {
  const ServeHost host(Dials());
  Receive(host);
  WorkerScript script(::testing::TempDir() + "/dial_cut");
  {
    LinkPeer peer(*Connect());
    peer.Send(NodeCommand(script.Command()));
    ASSERT_TRUE(peer.RunUntil([&] { return script.Started(); }));
  }
  EXPECT_TRUE(Eventually([&] { return script.IsGone(); }, 5));
  LinkPeer again(*Connect());
  EXPECT_NE(NodeOf(&again), 0);
}

TEST_F(DialerTest, OneThatIsKilledLeavesNothing) {
  const ServeHost host(Dials());
  Receive(host);
  WorkerScript script(::testing::TempDir() + "/dial_killed");
  LinkPeer peer(*Connect());
  peer.Send(NodeCommand(script.Command()));
  ASSERT_TRUE(peer.RunUntil([&] { return script.Started(); }));
  host.Signal(SIGKILL);
  EXPECT_TRUE(Eventually([&] { return script.IsGone(); }, 5));
  EXPECT_TRUE(peer.RunUntil([&] { return peer.ended(); }, 5));
}

TEST_F(DialerTest, SaysWhatIsWrong) {
  const ServeHost keeper;  // Of another key.
  const ServeHost host(Dials());
  Receive(keeper);
  EXPECT_TRUE(Says(host, " has another key than ")) << host.log();
  ServeHostOptions old = Dials();
  old.version = "0.9+old";
  reception_.reset();
  Listen();
  const ServeHost other(old);
  Receive(other);
  EXPECT_TRUE(Says(other, absl::StrCat(" is dist ", BuildVersion(), ", this")))
      << other.log();
}

}  // namespace
}  // namespace dist

int main(int argc, char** argv) {
  dist::RunIfServeHost(argc, argv);
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
