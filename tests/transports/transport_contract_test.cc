// Contract: what every transport of the table must do. A node is this program
// itself (main, below) and so runs the code of real nodes.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/model/node_messages.h"
#include "core/model/version.h"
#include "tests/support/link_peer.h"
#include "tests/support/process_test.h"
#include "tests/support/serve_host.h"
#include "tests/support/sshd.h"
#include "tests/support/worker_script.h"
#include "transports/kept_children.h"
#include "transports/serve/reception.h"
#include "transports/sweep.h"
#include "transports/tls/key.h"
#include "transports/transport.h"

namespace dist {
namespace {

constexpr char kConnect[] = "--connect-ssh";

// What is said to a node by `PROGRAM --connect-ssh CONFIG PYTHON`, which stays.
int ConnectSshAndStay(const char* config, const char* python) {
  HostAddress host;
  host.transport = "ssh";
  host.name = host.ssh.host = "a";
  host.ssh.config_file = config;
  const auto made = FindTransport("ssh")->connect(host, Patience());
  if (!made.ok()) return 1;
  LinkPeer peer(*made);
  peer.Send(NodeCommand(WorkerScript::CommandFor(python)));
  peer.RunUntil([] { return false; }, 60);
  return 1;
}

class TransportContract : public ::testing::TestWithParam<TransportEntry> {
 protected:
  TransportContract()
      : script_(::testing::TempDir() + "/contract_" +
                std::string(GetParam().name)) {
    // What a coordinator is: whatever a node leaves comes to us.
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (IsSocket()) server_.emplace();
    if (IsListen()) ListenForOne();
  }
  ~TransportContract() override {
    for (const pid_t child : KeptChildren()) {
      BuryChild(child, absl::ZeroDuration());
    }
    KillDescendants(absl::Seconds(5), Spared());
  }

  bool IsSsh() const { return GetParam().name == "ssh"; }
  bool IsSocket() const { return GetParam().name == "socket"; }
  bool IsListen() const { return GetParam().name == "listen"; }
  bool IsServed() const { return IsSocket() || IsListen(); }

  // What is no business of a coordinator's: the server at the other end.
  std::vector<pid_t> Spared() const {
    if (sshd_) return {sshd_->pid()};
    if (server_) return {server_->pid()};
    return {};
  }

  Connection Connect() {
    HostAddress host;
    host.transport = std::string(GetParam().name);
    host.name = "localhost";
    host.command = "sh";
    if (IsSsh()) host.ssh = AddressOfSshd();
    if (IsSocket()) server_->Describe(&host);
    if (IsListen()) Receive(&host);
    absl::StatusOr<Connection> made = GetParam().connect(host, Patience());
    EXPECT_TRUE(made.ok()) << made.status();
    return made.value_or(Connection());
  }

  SshAddress AddressOfSshd() {
    if (!sshd_) {
      world_.emplace();
      sshd_.emplace(&*world_, "a");
    }
    return world_->Address("a");
  }

  // Zombies of ours do not count; nothing reaps them while a test runs.
  bool NodeIsGone(const Connection& connection) {
    if (IsSsh()) return !world_->HasNode();
    return connection.child <= 0 || !IsRunning(connection.child);
  }

  WorkerScript script_;

 private:
  // One dials already; it is received when somebody connects, in a fork too.
  void ListenForOne() {
    SocketAddress address{"127.0.0.1", 0};
    auto listening = ListenAt("--listen", &address);
    ASSERT_TRUE(listening.ok()) << listening.status();
    listening_ = *std::move(listening);
    ServeHostOptions options;
    options.dial = address.port;
    server_.emplace(options);
  }
  void Receive(HostAddress* host) {
    if (reception_ == nullptr) {
      reception_ = std::make_shared<Reception>(
          std::move(listening_), *ReadServeKey(server_->key_file()),
          BuildVersion(), [](const std::string&) {});
    }
    host->reception = reception_;
  }

  std::optional<SshWorld> world_;
  std::optional<Sshd> sshd_;
  std::optional<ServeHost> server_;
  OwnedFd listening_;
  std::shared_ptr<Reception> reception_;
};

template <class E>
const E* Heard(LinkPeer& peer, NodeEvent* event) {
  while (!peer.received.empty()) {
    auto decoded = Decode<NodeEvent>(peer.received.front().bytes);
    peer.received.pop_front();
    if (!decoded.ok()) return nullptr;
    *event = *std::move(decoded);
    if (const E* found = std::get_if<E>(event)) return found;
  }
  return nullptr;
}

TEST_P(TransportContract, ANodeSaysThatItIsReady) {
  const Connection connection = Connect();
  EXPECT_NE(fcntl(connection.fd, F_GETFD) & FD_CLOEXEC, 0);
  LinkPeer peer(connection);
  NodeEvent event;
  ASSERT_TRUE(
      peer.RunUntil([&] { return Heard<NodeReady>(peer, &event) != nullptr; }));
}

TEST_P(TransportContract, ANodeLeavesWhenAsked) {
  const Connection connection = Connect();
  LinkPeer peer(connection);
  peer.Send(NodeCommand(script_.Command()));
  ASSERT_TRUE(peer.RunUntil([&] { return script_.Started(); }));
  peer.Send(NodeCommand(CloseNode{}));
  ASSERT_TRUE(peer.RunUntil([&] { return peer.peer_closed(); }));
  EXPECT_TRUE(script_.IsGone());
  peer.Cut();
  EXPECT_TRUE(Eventually([&] { return NodeIsGone(connection); }, 2));
}

TEST_P(TransportContract, ClosingTheLinkLeavesNoProcess) {
  const Connection connection = Connect();
  LinkPeer peer(connection);
  peer.Send(NodeCommand(script_.Command()));
  ASSERT_TRUE(peer.RunUntil([&] { return script_.Started(); }));
  ASSERT_FALSE(script_.IsGone());
  peer.Cut();
  EXPECT_TRUE(Eventually([&] { return script_.IsGone(); }, 2));
  EXPECT_TRUE(Eventually([&] { return NodeIsGone(connection); }, 2));
}

TEST_P(TransportContract, KillingTheConnectingSideLeavesNoProcess) {
  const std::string config = IsSsh() ? AddressOfSshd().config_file : "";
  const pid_t coordinator = fork();
  if (coordinator == 0) {
    // A fork would have no pump thread.
    if (IsSsh()) {
      execl("/proc/self/exe", "contract", kConnect, config.c_str(),
            script_.path().c_str(), nullptr);
    }
    LinkPeer peer(Connect());
    peer.Send(NodeCommand(script_.Command()));
    peer.RunUntil([] { return false; }, 60);
    _exit(1);
  }
  ASSERT_TRUE(Eventually([&] { return script_.Started(); }));
  ASSERT_FALSE(script_.IsGone());
  kill(coordinator, SIGKILL);
  EXPECT_TRUE(Eventually([&] { return script_.IsGone(); }, 2));
  // The node was its child and is ours now: it ends, and can be reaped.
  EXPECT_TRUE(Eventually(
      [&] {
        while (waitpid(-1, nullptr, WNOHANG) > 0) {
        }
        return ChildProcesses() == Spared();
      },
      2));
}

TEST_P(TransportContract, AKilledNodeTakesItsWorkersAlong) {
  const Connection connection = Connect();
  LinkPeer peer(connection);
  NodeEvent event;
  const NodeReady* ready = nullptr;
  ASSERT_TRUE(peer.RunUntil(
      [&] { return (ready = Heard<NodeReady>(peer, &event)) != nullptr; }));
  peer.Send(NodeCommand(script_.Command()));
  ASSERT_TRUE(peer.RunUntil([&] { return script_.Started(); }));
  kill(static_cast<pid_t>(ready->pid), SIGKILL);
  ASSERT_TRUE(peer.RunUntil([&] { return peer.ended(); }, 2));
  if (IsServed() || IsSsh()) {  // Its server, its warden see to that.
    EXPECT_TRUE(Eventually([&] { return script_.IsGone(); }, 5));
    return;
  }
  // What a coordinator does.
  BuryChild(connection.child, absl::Seconds(2));
  EXPECT_EQ(KillDescendants(absl::Seconds(5), {}), 0);
  EXPECT_TRUE(script_.IsGone());
}

TEST_P(TransportContract, DropsAPeerThatTalksNonsense) {
  const Connection connection = Connect();
  LinkPeer peer(connection);
  peer.SendRaw("GET / HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(peer.RunUntil([&] { return peer.ended(); }, 2));
  EXPECT_TRUE(Eventually([&] { return NodeIsGone(connection); }, 2));
}

TEST_P(TransportContract, ANodeWithoutAPeerEnds) {
  Connection connection = Connect();
  close(connection.fd);
  connection.secured.reset();
  connection.witness.reset();
  EXPECT_TRUE(Eventually([&] { return NodeIsGone(connection); }, 2));
}

TEST_P(TransportContract, TestsInheritNothing) {
  const int ours = open("/dev/null", O_RDONLY);  // Without CLOEXEC.
  sigset_t set, before;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, &before);
  LinkPeer peer(Connect());
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  close(ours);
  peer.Send(NodeCommand(script_.Command()));
  ASSERT_TRUE(peer.RunUntil([&] { return script_.Started(); }));
  // 3 is the control channel, 4 the listing itself.
  EXPECT_EQ(script_.Read("fds"), "0\n1\n2\n3\n4\n");
  const std::string status = script_.Read("status");
  EXPECT_NE(status.find("SigBlk:\t0000000000000000"), std::string::npos)
      << status;
  // Without 32 and 33, the C library's own.
  const size_t at = status.find("SigIgn:\t") + 8;
  EXPECT_EQ(std::stoull(status.substr(at, 16), nullptr, 16) & ~0x180000000ull,
            0u)
      << status;
}

INSTANTIATE_TEST_SUITE_P(All, TransportContract,
                         ::testing::ValuesIn(Transports().begin(),
                                             Transports().end()),
                         [](const auto& info) {
                           return std::string(info.param.name);
                         });

}  // namespace
}  // namespace dist

int main(int argc, char** argv) {
  dist::RunIfServeHost(argc, argv);
  if (argc == 4 && std::string(argv[1]) == dist::kConnect) {
    return dist::ConnectSshAndStay(argv[2], argv[3]);
  }
  ::testing::InitGoogleTest(&argc, argv);
  setenv("DIST_BUNDLES", "cli/bundles", 1);
  setenv("XDG_CACHE_HOME", ::testing::TempDir().c_str(), 1);
  return RUN_ALL_TESTS();
}
