// Real servers and nodes, and what people with the key see of them.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/model/node_messages.h"
#include "core/model/version.h"
#include "tests/support/link_peer.h"
#include "tests/support/process_test.h"
#include "tests/support/serve_host.h"
#include "tests/support/worker_script.h"
#include "transports/tls/key.h"
#include "transports/transport.h"

namespace dist {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

absl::StatusOr<Connection> Connect(const HostAddress& host) {
  return ConnectByTable(host, Patience());
}
absl::StatusOr<Connection> Connect(const ServeHost& server) {
  return Connect(server.Address());
}
std::string ErrorOf(const HostAddress& host) {
  const auto made = Connect(host);
  if (made.ok()) close(made->fd);
  return std::string(made.status().message());
}

TEST(Serve, EachRunHasANodeOfItsOwn) {
  ServeHost server;
  LinkPeer first(*Connect(server));
  LinkPeer second(*Connect(server));
  const pid_t one = NodeOf(&first);
  const pid_t two = NodeOf(&second);
  EXPECT_NE(one, 0);
  EXPECT_NE(two, 0);
  EXPECT_NE(one, two);
  // The end of one is nothing to the other.
  kill(one, SIGKILL);
  EXPECT_TRUE(first.RunUntil([&] { return first.ended(); }, 5));
  second.Send(NodeCommand(ProbeHost{}));
  EXPECT_TRUE(second.RunUntil([&] { return !second.received.empty(); }));
  EXPECT_FALSE(second.ended());
}

TEST(Serve, IsThereForTheNextOneAfterACrash) {
  ServeHost server;
  for (int i = 0; i < 5; ++i) {
    LinkPeer peer(*Connect(server));
    const pid_t node = NodeOf(&peer);
    ASSERT_NE(node, 0) << i;
    kill(node, i % 2 == 0 ? SIGKILL : SIGSEGV);
  }
  EXPECT_TRUE(IsRunning(server.pid()));
}

TEST(Serve, WrongAndMissingKeysAreSaidInOneLine) {
  ServeHost server;
  ServeHost other;
  HostAddress host = server.Address();
  host.key_file = other.key_file();
  EXPECT_THAT(ErrorOf(host),
              StartsWith(absl::StrCat("127.0.0.1:", server.port(),
                                      " has another key than ",
                                      other.key_file(), " (dist1:")));
  EXPECT_TRUE(Eventually([&] {
    return absl::StrContains(server.log(), "the other side has another key");
  }));
  host.key_file = "/nonexistent/key";
  EXPECT_THAT(ErrorOf(host),
              StartsWith("key file /nonexistent/key: there is none\nhelp: "));
}

TEST(Serve, AnotherVersionIsToldBothVersions) {
  ServeHostOptions options;
  options.version = "9.9.9+other";
  ServeHost server(options);
  EXPECT_THAT(ErrorOf(server.Address()),
              HasSubstr(absl::StrCat(" is dist 9.9.9+other, this is ",
                                     BuildVersion(), "\nhelp: ")));
  EXPECT_THAT(server.log(), HasSubstr("turned away 127.0.0.1:"));
}

TEST(Serve, NobodyAtThePortIsSaid) {
  HostAddress host;
  {
    ServeHost server;
    host = server.Address();
  }
  ServeHost keeper;  // Of a key.
  host.key_file = keeper.key_file();
  EXPECT_THAT(ErrorOf(host), StartsWith("connection refused by 127.0.0.1:"));
  host.socket.host = "no-such-host.invalid";
  EXPECT_THAT(ErrorOf(host), StartsWith("unknown host: no-such-host.invalid:"));
}

// A server of another kind, that says `words` to whoever connects.
class OtherServer {
 public:
  explicit OtherServer(std::string words) {
    listening_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at = {};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(at);
    EXPECT_EQ(bind(listening_, reinterpret_cast<sockaddr*>(&at), size), 0);
    EXPECT_EQ(listen(listening_, 5), 0);
    getsockname(listening_, reinterpret_cast<sockaddr*>(&at), &size);
    port = ntohs(at.sin_port);
    thread_ = std::thread([this, words] {
      const int fd = accept(listening_, nullptr, nullptr);
      if (fd < 0) return;
      (void)!send(fd, words.data(), words.size(), MSG_NOSIGNAL);
      char bytes[4096];
      while (!words.empty() && recv(fd, bytes, sizeof(bytes), 0) > 0) {
      }
      close(fd);
    });
  }
  ~OtherServer() {
    shutdown(listening_, SHUT_RDWR);
    thread_.join();
    close(listening_);
  }

  int port = 0;

 private:
  int listening_ = -1;
  std::thread thread_;
};

TEST(Serve, ServersOfOtherKindsAreSaid) {
  ServeHost keeper;
  HostAddress host = keeper.Address();
  for (const char* const words :
       {"SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n"}) {
    OtherServer other(words);
    host.socket.port = other.port;
    EXPECT_THAT(ErrorOf(host),
                StartsWith(absl::StrCat("no dist serve answers at 127.0.0.1:",
                                        other.port)));
  }
  OtherServer mute("");
  host.socket.port = mute.port;
  EXPECT_THAT(ErrorOf(host), StartsWith("the connection to 127.0.0.1:"));
}

TEST(Serve, HasALimitOfRuns) {
  ServeHostOptions options;
  options.max_runs = 1;
  ServeHost server(options);
  {
    LinkPeer peer(*Connect(server));
    ASSERT_NE(NodeOf(&peer), 0);
    EXPECT_THAT(ErrorOf(server.Address()),
                HasSubstr(" has as many runs as it may: 1\nhelp: "));
  }
  EXPECT_TRUE(Eventually([&] {
    const auto made = Connect(server);
    if (made.ok()) close(made->fd);
    return made.ok();
  }));
}

TEST(Serve, OnceIsOnce) {
  ServeHostOptions options;
  options.once = true;
  ServeHost server(options);
  {
    LinkPeer peer(*Connect(server));
    ASSERT_NE(NodeOf(&peer), 0);
    EXPECT_THAT(ErrorOf(server.Address()), HasSubstr("refused"));
  }
  EXPECT_EQ(server.WaitForEnd(), 0);
}

TEST(Serve, ASignalLetsRunsEndAndASecondOneEndsThem) {
  ServeHost server;
  WorkerScript script(::testing::TempDir() + "/drain");
  LinkPeer peer(*Connect(server));
  ASSERT_NE(NodeOf(&peer), 0);
  server.Signal(SIGTERM);
  ASSERT_TRUE(Eventually([&] {
    return absl::StrContains(server.log(), "waits for 1 run to end");
  }));
  EXPECT_THAT(ErrorOf(server.Address()), HasSubstr("refused"));
  peer.Send(NodeCommand(script.Command()));
  ASSERT_TRUE(peer.RunUntil([&] { return script.Started(); }));
  server.Signal(SIGTERM);
  EXPECT_TRUE(peer.RunUntil([&] { return peer.ended(); }, 5));
  EXPECT_EQ(server.WaitForEnd(), 0);
  EXPECT_TRUE(script.IsGone());
}

TEST(Serve, AServerThatIsKilledLeavesNothing) {
  ServeHost server;
  WorkerScript script(::testing::TempDir() + "/killed");
  LinkPeer peer(*Connect(server));
  peer.Send(NodeCommand(script.Command()));
  ASSERT_TRUE(peer.RunUntil([&] { return script.Started(); }));
  server.Signal(SIGKILL);
  EXPECT_TRUE(Eventually([&] { return script.IsGone(); }, 5));
}

TEST(Serve, Ipv6) {
  ServeHostOptions options;
  options.bind = "::1";
  ServeHost server(options);
  LinkPeer peer(*Connect(server));
  EXPECT_NE(NodeOf(&peer), 0);
  EXPECT_THAT(server.log(), HasSubstr("[::1]:"));
}

TEST(Serve, NodesAndTestsDoNotLearnWhereTheKeyIs) {
  setenv("DIST_KEY_FILE", "/secret/place", 1);
  ServeHost server;
  unsetenv("DIST_KEY_FILE");
  LinkPeer peer(*Connect(server));
  const pid_t node = NodeOf(&peer);
  ASSERT_NE(node, 0);
  std::ifstream file(absl::StrCat("/proc/", node, "/environ"));
  const std::string env{std::istreambuf_iterator<char>(file), {}};
  EXPECT_THAT(env, HasSubstr("PATH="));
  EXPECT_THAT(env, ::testing::Not(HasSubstr("/secret/place")));
}

}  // namespace
}  // namespace dist

int main(int argc, char** argv) {
  dist::RunIfServeHost(argc, argv);
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
