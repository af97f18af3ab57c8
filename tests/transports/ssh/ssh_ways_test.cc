// Ways to a host: jump hosts, proxy commands, via, the ssh program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/support/process_test.h"
#include "tests/support/sshd.h"
#include "tests/support/stream_test.h"
#include "transports/ssh/program.h"
#include "transports/ssh/pump.h"
#include "transports/ssh/ssh.h"

namespace dist {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Patience Soon() {
  Patience patience;
  patience.deadline = absl::Now() + absl::Seconds(30);
  return patience;
}

class SshWaysTest : public ::testing::Test {
 protected:
  SshOptions With(SshChoice choice) {
    SshOptions options;
    options.choice = choice;
    options.note = [this](const std::string& line) { notes_.push_back(line); };
    return options;
  }

  std::string Output(const absl::StatusOr<Stream>& stream) {
    if (!stream.ok()) return std::string(stream.status().message());
    StreamClient client(*stream);
    const std::string out = client.ReadAll();
    if (!out.empty()) return out;
    const std::string end = stream->witness->WaitForEnd(absl::Seconds(10));
    return absl::StrCat(end, " ", client.words());
  }

  std::string Run(const SshAddress& address, SshChoice choice) {
    return Output(OpenSshStream(address, "echo $SSH_CONNECTION; echo in",
                                Soon(), With(choice)));
  }

  SshWorld world_;
  std::vector<std::string> notes_;
};

TEST_F(SshWaysTest, AJumpHostIsPassedWithItsOwnLogin) {
  const Sshd jump(&world_, "jump"), inner(&world_, "inner");
  SshAddress address = world_.Address("inner");
  address.jump = "jump";
  EXPECT_THAT(Run(address, SshChoice::kLibssh), HasSubstr("\nin\n"));
  EXPECT_THAT(jump.log(), HasSubstr("Accepted publickey"));
  EXPECT_THAT(inner.log(), HasSubstr("Accepted publickey"));
  EXPECT_TRUE(Eventually([] { return PumpedLinks() == 0; }));
}

TEST_F(SshWaysTest, JumpHostsOfTheConfigurationChain) {
  const Sshd a(&world_, "a"), b(&world_, "b"), c(&world_, "c");
  world_.Configure("Host c\n  ProxyJump b\nHost b\n  ProxyJump a\n");
  EXPECT_THAT(Run(world_.Address("c"), SshChoice::kLibssh),
              HasSubstr("\nin\n"));
  EXPECT_THAT(a.log(), HasSubstr("Accepted publickey"));
  EXPECT_THAT(b.log(), HasSubstr("Accepted publickey"));
}

TEST_F(SshWaysTest, ACircleOfJumpHostsEnds) {
  world_.Configure("Host c\n  ProxyJump b\nHost b\n  ProxyJump c\n");
  EXPECT_THAT(Run(world_.Address("c"), SshChoice::kLibssh),
              HasSubstr("more than 8 jump hosts"));
}

TEST_F(SshWaysTest, AJumpHostMustBeKnown) {
  SshdOptions options;
  options.known = false;
  const Sshd jump(&world_, "jump", options), inner(&world_, "inner");
  world_.Configure("StrictHostKeyChecking no\n");
  SshAddress address = world_.Address("inner");
  address.jump = "jump";
  EXPECT_THAT(Run(address, SshChoice::kLibssh),
              HasSubstr(absl::StrCat("the host key of 127.0.0.1 port ",
                                     jump.port(), " is not known")));
  EXPECT_THAT(Run(address, SshChoice::kOpenSsh), Not(HasSubstr("\nin\n")));
  EXPECT_THAT(jump.log(), Not(HasSubstr("Accepted publickey")));
}

TEST_F(SshWaysTest, WhatTheJumpHostCannotReachIsSaid) {
  const Sshd jump(&world_, "jump");
  world_.Configure(
      absl::StrCat("Host inner\n  HostName 127.0.0.1\n  Port ", FreePort()));
  SshAddress address = world_.Address("inner");
  address.jump = "jump";
  const std::string words = Run(address, SshChoice::kLibssh);
  EXPECT_THAT(words, HasSubstr("cannot connect to 127.0.0.1 port"));
  EXPECT_THAT(words,
              HasSubstr(absl::StrCat("from 127.0.0.1 port ", jump.port())));
  EXPECT_THAT(words, HasSubstr("Connection refused"));
}

TEST_F(SshWaysTest, AHostIsReachedViaAnother) {
  const Sshd outer(&world_, "outer"), inner(&world_, "inner");
  // Its own way does not count.
  world_.Configure("Host inner\n  ProxyCommand false\n");
  for (const SshChoice choice : {SshChoice::kLibssh, SshChoice::kOpenSsh}) {
    EXPECT_THAT(Output(OpenSshStreamVia(world_.Address("outer"),
                                        world_.Address("inner"), "echo in",
                                        Soon(), With(choice))),
                HasSubstr("in\n"));
  }
}

TEST_F(SshWaysTest, AProxyCommandIsUsed) {
  const Sshd jump(&world_, "jump"), inner(&world_, "inner");
  world_.Configure(absl::StrCat("Host inner\n  ProxyCommand ssh -F ",
                                world_.path("config"), " -W %h:%p jump\n"));
  auto stream = OpenSshStream(world_.Address("inner"), "echo in", Soon(),
                              With(SshChoice::kLibssh));
  ASSERT_TRUE(stream.ok()) << stream.status();
  EXPECT_GT(stream->child, 0);
  const pid_t child = stream->child;
  EXPECT_EQ(Output(stream), "in\n");  // Reaps it: it has ended by itself.
  EXPECT_FALSE(IsRunning(child));
}

TEST_F(SshWaysTest, AProxyCommandThatFailsIsQuoted) {
  world_.Configure(
      "Host inner\n  ProxyCommand sh -c \"echo 'the \x1b[31mgate is closed' "
      ">&2; false\"\n");
  EXPECT_THAT(
      Run(world_.Address("inner"), SshChoice::kLibssh),
      HasSubstr("the ProxyCommand of inner failed: the \\x1b[31mgate is "
                "closed"));
}

TEST_F(SshWaysTest, TheSshProgramGivesTheSameStream) {
  const Sshd sshd(&world_, "a");
  auto stream = OpenSshStream(world_.Address("a"), "cat; echo err >&2; exit 3",
                              Soon(), With(SshChoice::kOpenSsh));
  ASSERT_TRUE(stream.ok()) << stream.status();
  StreamClient client(*stream);
  ASSERT_TRUE(client.Send("hello\n"));
  EXPECT_EQ(client.ReadLine(), "hello\n");
  client.FinishSending();
  EXPECT_EQ(client.ReadAll(), "");
  EXPECT_TRUE(Eventually([&] { return client.end() == "exit status 3"; }))
      << client.end();
  EXPECT_TRUE(Eventually([&] { return client.words() == "err\n"; }));
}

TEST_F(SshWaysTest, TheSshProgramIsAsStrict) {
  SshdOptions options;
  options.known = false;
  const Sshd sshd(&world_, "a", options);
  world_.Configure("StrictHostKeyChecking no\nBatchMode no\n");
  EXPECT_THAT(Run(world_.Address("a"), SshChoice::kOpenSsh),
              HasSubstr("Host key verification failed"));
}

TEST_F(SshWaysTest, TheSshProgramIsTakenWhereLibsshCannotDoIt) {
  const Sshd sshd(&world_, "a");
  world_.Configure("Host a\n  CertificateFile /nowhere\n");
  EXPECT_THAT(Run(world_.Address("a"), SshChoice::kAuto), HasSubstr("\nin\n"));
  EXPECT_THAT(Run(world_.Address("a"), SshChoice::kAuto), HasSubstr("\nin\n"));
  EXPECT_THAT(notes_, ElementsAre("a: using the ssh program, because its "
                                  "configuration has CertificateFile"));
  EXPECT_THAT(sshd.log(), HasSubstr("Accepted publickey"));
  notes_.clear();
  EXPECT_THAT(Run(world_.Address("a"), SshChoice::kLibssh),
              HasSubstr("\nin\n"));
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("libssh does without")));
}

TEST_F(SshWaysTest, LibsshIsTakenWhereItCan) {
  const Sshd sshd(&world_, "a");
  world_.Configure(
      "Match exec \"true\"\n  User nobody\nMatch exec \"false\"\n  User x\n"
      "Host a\n  Ciphers aes256-gcm@openssh.com\n  AddressFamily inet\n  "
      "BindAddress 127.0.0.1\n  Compression yes\n");
  SshAddress address = world_.Address("a");
  address.user = getpwuid(getuid())->pw_name;
  const auto stream =
      OpenSshStream(address, "echo in", Soon(), With(SshChoice::kAuto));
  ASSERT_TRUE(stream.ok()) << stream.status();
  EXPECT_EQ(stream->child, -1);
  EXPECT_EQ(Output(stream), "in\n");
  EXPECT_THAT(notes_, IsEmpty());
}

TEST(SshProgramArgvTest, QuotesWhatPassesThroughShellsOfProxyCommands) {
  SshAddress first, second, third;
  first.host = "a";
  first.identities = {"my key %d"};
  second.host = "b";
  third.host = "c";
  const auto argv = SshProgramArgv({first, second, third}, "echo 'x'");
  ASSERT_GE(argv.size(), 3u);
  EXPECT_EQ(argv[argv.size() - 3], "--");
  EXPECT_EQ(argv[argv.size() - 2], "c");
  EXPECT_EQ(argv.back(), "echo 'x'");
  std::string proxy;
  for (const std::string& word : argv) {
    if (word.find("ProxyCommand=") == 0) proxy = word;
  }
  // ssh turns %% into %, the shell takes the quotes away, and so on: twice for
  // what is meant for the first hop.
  EXPECT_THAT(proxy, HasSubstr("-W '[%h]:%p' -- b"));
  EXPECT_THAT(proxy, HasSubstr("[%%h]:%%p"));
  EXPECT_THAT(proxy, HasSubstr("my key %%%%d"));
}

}  // namespace
}  // namespace dist
