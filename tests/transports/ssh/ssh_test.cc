// Streams over real sshd processes.
#include "transports/ssh/ssh.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/support/process_test.h"
#include "tests/support/ssh_client.h"
#include "tests/support/sshd.h"
#include "tests/support/stream_test.h"
#include "transports/ssh/pump.h"

namespace dist {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class SshTest : public ::testing::Test {
 protected:
  // The stream of a command on `host`, which must come about.
  StreamClient Run(const std::string& host, const std::string& command,
                   const SshOptions& options = Libssh()) {
    auto stream = OpenSshStream(world_.Address(host), command, Soon(), options);
    EXPECT_TRUE(stream.ok()) << stream.status();
    if (!stream.ok()) {
      Stream none;
      none.witness = std::make_shared<StreamWitness>();
      return StreamClient(none);
    }
    return StreamClient(*stream);
  }

  SshWorld world_;
};

TEST_F(SshTest, RunsACommandAndTellsHowItEnded) {
  const Sshd sshd(&world_, "a");
  StreamClient stream = Run("a", "echo out; echo err >&2; exit 3");
  EXPECT_NE(fcntl(stream.fd(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_EQ(stream.ReadAll(), "out\n");
  EXPECT_EQ(stream.end(), "exit status 3");
  EXPECT_EQ(stream.words(), "err\n");
}

TEST_F(SshTest, TellsTheSignalThatKilledACommand) {
  const Sshd sshd(&world_, "a");
  StreamClient stream = Run("a", "kill -SEGV $$");
  EXPECT_EQ(stream.ReadAll(), "");
  EXPECT_EQ(stream.end(), "killed by SIGSEGV");
}

TEST_F(SshTest, HalfAStreamCanEnd) {
  const Sshd sshd(&world_, "a");
  StreamClient stream = Run("a",
                            "cat; echo after; exec 1>&-; sleep 0.5; "
                            "exit 4");
  ASSERT_TRUE(stream.Send("hello\n"));
  EXPECT_EQ(stream.ReadLine(), "hello\n");
  stream.FinishSending();
  EXPECT_EQ(stream.ReadAll(), "after\n");
  EXPECT_TRUE(Eventually([&] { return stream.end() == "exit status 4"; }));
}

TEST_F(SshTest, TheCommandsEndIsHeardThoughBothHalvesHaveEnded) {
  const Sshd sshd(&world_, "a");
  // Longer than a link waits for a host that it has closed itself.
  StreamClient stream = Run("a", "exec 1>&-; cat; sleep 3; exit 4");
  stream.FinishSending();
  EXPECT_EQ(stream.ReadAll(), "");
  EXPECT_TRUE(Eventually([&] { return stream.end() == "exit status 4"; }));
  EXPECT_TRUE(Eventually([] { return PumpedLinks() == 0; }));
}

TEST_F(SshTest, ClosingEndsTheCommandsInputAndTheSession) {
  const Sshd sshd(&world_, "a");
  const std::string mark = world_.path("mark");
  {
    StreamClient stream = Run(
        "a", absl::StrCat("cat > ", mark, ".tmp; mv ", mark, ".tmp ", mark));
    // More than the sockets on the way hold.
    ASSERT_TRUE(stream.Send(std::string(3 << 20, 'x')));
  }
  EXPECT_TRUE(Eventually([&] { return !world_.Read("mark").empty(); }));
  EXPECT_EQ(world_.Read("mark").size(), 3u << 20);
  EXPECT_TRUE(Eventually([] { return PumpedLinks() == 0; }));
}

TEST_F(SshTest, MovesMuchBothWaysWhileKeysAreExchangedAnew) {
  SshdOptions options;
  options.config = {"RekeyLimit 16M"};
  const Sshd sshd(&world_, "a", options);
  StreamClient stream = Run("a", "cat");
  constexpr size_t kSize = 80 << 20;
  std::string sent(kSize, '\0');
  uint32_t state = 1;
  for (char& c : sent)
    c = static_cast<char>((state = state * 1664525 + 1) >> 24);
  std::thread sender([&] {
    EXPECT_TRUE(stream.Send(sent));
    stream.FinishSending();
  });
  const std::string got = stream.ReadAll();
  sender.join();
  EXPECT_EQ(got.size(), kSize);
  EXPECT_TRUE(got == sent);
  EXPECT_EQ(stream.end(), "exit status 0");
}

TEST_F(SshTest, AReaderThatWaitsLosesNothing) {
  const Sshd sshd(&world_, "a");
  StreamClient stream =
      Run("a", absl::StrCat("head -c 50000000 /dev/zero; echo x > ",
                            world_.path("written")));
  // The windows are full long before that, so the command cannot be done.
  EXPECT_FALSE(
      Eventually([&] { return !world_.Read("written").empty(); }, 0.7));
  EXPECT_EQ(stream.ReadAll().size(), 50000000u);
  EXPECT_TRUE(Eventually([&] { return !world_.Read("written").empty(); }));
}

TEST_F(SshTest, AnUnknownHostKeyIsRefusedWithWhatToDo) {
  SshdOptions options;
  options.known = false;
  const Sshd sshd(&world_, "a", options);
  world_.Configure("StrictHostKeyChecking no\n");
  const auto stream =
      OpenSshStream(world_.Address("a"), "true", Soon(), Libssh());
  ASSERT_EQ(stream.status().code(), absl::StatusCode::kPermissionDenied);
  const std::string message(stream.status().message());
  EXPECT_THAT(message, HasSubstr("is not known (ssh-ed25519 SHA256:"));
  EXPECT_THAT(sshd.log(), Not(HasSubstr("Accepted")));
  // The help is a command that works.
  const std::string help = message.substr(message.find("echo "));
  ASSERT_EQ(RunToEnd({"sh", "-c", help}), 0);
  StreamClient now = Run("a", "echo in");
  EXPECT_EQ(now.ReadAll(), "in\n");
}

TEST_F(SshTest, AChangedHostKeyIsRefusedWhateverTheConfigurationSays) {
  const Sshd sshd(&world_, "a");
  world_.MakeKey("other");
  world_.Write("known_hosts", absl::StrCat("[127.0.0.1]:", sshd.port(), " ",
                                           world_.Read("other.pub")));
  world_.Configure("StrictHostKeyChecking no\n");
  const auto stream =
      OpenSshStream(world_.Address("a"), "true", Soon(), Libssh());
  ASSERT_EQ(stream.status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(stream.status().message()), HasSubstr("HAS CHANGED"));
  EXPECT_THAT(std::string(stream.status().message()),
              HasSubstr("known_hosts:1"));
  EXPECT_THAT(sshd.log(), Not(HasSubstr("Accepted")));
}

TEST_F(SshTest, AskForTheKindOfHostKeyThatIsKnown) {
  world_.MakeKey("rsa_key", "rsa");
  SshdOptions options;
  options.config = {"HostKey " + world_.path("rsa_key")};
  options.known = false;
  const Sshd sshd(&world_, "a", options);
  world_.Write("known_hosts", absl::StrCat("[127.0.0.1]:", sshd.port(), " ",
                                           world_.Read("rsa_key.pub")));
  StreamClient stream = Run("a", "echo in");
  EXPECT_EQ(stream.ReadAll(), "in\n");
}

TEST_F(SshTest, AnotherKindOfHostKeyIsRefused) {
  const Sshd sshd(&world_, "a");
  world_.MakeKey("rsa_key", "rsa");
  world_.Write("known_hosts", absl::StrCat("[127.0.0.1]:", sshd.port(), " ",
                                           world_.Read("rsa_key.pub")));
  const auto stream =
      OpenSshStream(world_.Address("a"), "true", Soon(), Libssh());
  ASSERT_EQ(stream.status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(stream.status().message()),
              HasSubstr("is known by ssh-rsa"));
}

TEST_F(SshTest, HostKeyAliasAndSecondKnownHostsFilesHold) {
  SshdOptions options;
  options.known = false;
  const Sshd sshd(&world_, "a", options);
  world_.Write("second", absl::StrCat("farm ", world_.Read("host_key.pub")));
  world_.Configure(absl::StrCat("HostKeyAlias farm\nUserKnownHostsFile ",
                                world_.path("known_hosts"), " ",
                                world_.path("second")));
  StreamClient stream = Run("a", "echo in");
  EXPECT_EQ(stream.ReadAll(), "in\n");
}

TEST_F(SshTest, SaysWhoRefused) {
  world_.Configure(
      absl::StrCat("Host a\n  HostName 127.0.0.1\n  Port ", FreePort()));
  const auto stream =
      OpenSshStream(world_.Address("a"), "true", Soon(), Libssh());
  ASSERT_EQ(stream.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(stream.status().message()),
              HasSubstr("connection refused by 127.0.0.1 port"));
}

TEST_F(SshTest, SaysThatAHostIsUnknown) {
  const auto stream =
      OpenSshStream(world_.Address("no-such-host.invalid"), "true", Soon());
  ASSERT_EQ(stream.status().code(), absl::StatusCode::kNotFound)
      << stream.status();
  EXPECT_THAT(std::string(stream.status().message()),
              HasSubstr("unknown host no-such-host.invalid"));
  const auto joined =
      OpenSshStream(world_.Address("no-such-popen"), "", Soon());
  EXPECT_THAT(std::string(joined.status().message()),
              HasSubstr("help: was --tx ssh=no-such- --tx popen meant?"));
}

TEST_F(SshTest, ABadConfigurationIsSaidInItsWords) {
  world_.Configure("Potato yes\n");
  const auto stream = OpenSshStream(world_.Address("a"), "true", Soon());
  ASSERT_EQ(stream.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(stream.status().message()),
              HasSubstr("line 1: Bad configuration option: potato"));
  EXPECT_THAT(std::string(stream.status().message()),
              HasSubstr(absl::StrCat("help: ssh -G -F ", world_.path("config"),
                                     " a says the same")));
}

TEST_F(SshTest, ARefusedChannelIsSaid) {
  SshdOptions options;
  options.config = {"MaxSessions 0"};
  const Sshd sshd(&world_, "a", options);
  const auto stream =
      OpenSshStream(world_.Address("a"), "true", Soon(), Libssh());
  ASSERT_EQ(stream.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(stream.status().message()),
              HasSubstr("refuses a session"));
}

TEST_F(SshTest, OneSessionAConnectionIsEnough) {
  SshdOptions options;
  options.config = {"MaxSessions 1"};
  const Sshd sshd(&world_, "a", options);
  StreamClient one = Run("a", "echo one; cat");
  StreamClient two = Run("a", "echo two; cat");
  EXPECT_EQ(one.ReadLine(), "one\n");
  EXPECT_EQ(two.ReadLine(), "two\n");
}

TEST_F(SshTest, LosingTheHostEndsTheStreamWithItsReason) {
  const Sshd sshd(&world_, "a");
  // The command's grandparent is the session's sshd; its parent has dropped
  // root's rights or is the same.
  StreamClient stream = Run("a", "echo up; read go; kill -9 $PPID; read never");
  EXPECT_EQ(stream.ReadLine(), "up\n");
  ASSERT_TRUE(stream.Send("go\n"));
  EXPECT_EQ(stream.ReadAll(), "");
  EXPECT_THAT(stream.end(), HasSubstr("connection lost"));
}

TEST_F(SshTest, NothingIsForwardedAndNoVariableSent) {
  SshdOptions options;
  options.config = {"AcceptEnv *"};
  const Sshd sshd(&world_, "a", options);
  setenv("LC_SECRET", "1", 1);
  world_.Configure(
      "ForwardAgent yes\nForwardX11 yes\nSendEnv *\nRequestTTY "
      "force\nSetEnv A_B=c\n");
  StreamClient stream = Run("a", "env; tty");
  const std::string env = stream.ReadAll();
  EXPECT_THAT(env, Not(HasSubstr("SSH_AUTH_SOCK")));
  EXPECT_THAT(env, Not(HasSubstr("DISPLAY")));
  EXPECT_THAT(env, Not(HasSubstr("LC_SECRET")));
  EXPECT_THAT(env, Not(HasSubstr("A_B")));
  EXPECT_THAT(env, HasSubstr("not a tty"));
}

}  // namespace
}  // namespace dist
