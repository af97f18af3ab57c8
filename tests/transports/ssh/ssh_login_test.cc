// Which keys are tried, in which order, and what is said when none fits.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/support/process_test.h"
#include "tests/support/ssh_client.h"
#include "tests/support/sshd.h"
#include "tests/support/stream_test.h"
#include "transports/spawn.h"
#include "transports/ssh/ssh.h"

namespace dist {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

size_t Count(const std::string& text, const std::string& what) {
  size_t n = 0;
  for (size_t at = text.find(what); at != text.npos;
       at = text.find(what, at + 1)) {
    ++n;
  }
  return n;
}

class SshLoginTest : public ::testing::Test {
 protected:
  // "in\n", or what went wrong.
  std::string Run() { return EchoOverSsh(world_.Address("a")); }

  SshWorld world_;
};

// A real ssh-agent.
class Agent {
 public:
  explicit Agent(SshWorld* world) : path_(world->path("agent")) {
    SpawnRequest request;
    request.argv = {"ssh-agent", "-D", "-a", path_};
    request.env = Environment();
    pid_ = Spawn(request).value_or(-1);
    EXPECT_TRUE(Eventually([&] { return access(path_.c_str(), R_OK) == 0; }));
    world->Configure(absl::StrCat("IdentityAgent ", path_));
    setenv("SSH_AUTH_SOCK", path_.c_str(), 1);
  }
  ~Agent() {
    unsetenv("SSH_AUTH_SOCK");
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  void Add(const std::string& key) {
    ASSERT_EQ(RunToEnd({"ssh-add", "-q", key}), 0);
  }

 private:
  const std::string path_;
  pid_t pid_ = -1;
};

TEST_F(SshLoginTest, SaysWhichKeysWereTriedOnceEach) {
  const Sshd sshd(&world_, "a");
  world_.MakeKey("other");
  world_.MakeKey("open");
  chmod(world_.path("open").c_str(), 0644);
  world_.Write("authorized_keys", "", 0644);
  world_.Configure(absl::StrCat("IdentityFile ", world_.path("other"),
                                "\nIdentityFile ", world_.path("open")));
  const std::string words = Run();
  EXPECT_THAT(words, HasSubstr("does not let"));
  EXPECT_THAT(words,
              HasSubstr(absl::StrCat(
                  "tried ", world_.path("other"), ", ", world_.path("open"),
                  " (its mode 0644 lets others "
                  "read it), ",
                  world_.path("user_key"), "; it accepts publickey")));
  EXPECT_THAT(words, HasSubstr("\nhelp: "));
  EXPECT_EQ(Count(sshd.log(), "Failed publickey"), 2u) << sshd.log();
}

TEST_F(SshLoginTest, SaysThatThereIsNoKey) {
  const Sshd sshd(&world_, "a");
  std::filesystem::remove(world_.path("user_key"));
  std::filesystem::remove(world_.path("user_key.pub"));
  EXPECT_THAT(Run(), HasSubstr("there is no key to try; it accepts publickey"));
}

TEST_F(SshLoginTest, SaysThatTheKeyThatIsNamedIsMissing) {
  const Sshd sshd(&world_, "a");
  SshAddress address = world_.Address("a");
  address.identities = {world_.path("none")};
  const auto in = OpenSshStream(address, "echo in", Soon(), Libssh());
  EXPECT_TRUE(in.ok()) << in.status();  // The configuration has another one.
  world_.Write("authorized_keys", "", 0644);
  const auto out = OpenSshStream(address, "echo in", Soon(), Libssh());
  EXPECT_THAT(std::string(out.status().message()),
              HasSubstr(absl::StrCat("tried ", world_.path("none"),
                                     " (No such file or directory), ",
                                     world_.path("user_key"), ";")));
}

TEST_F(SshLoginTest, KeysOfAllKindsWork) {
  const Sshd sshd(&world_, "a");
  for (const char* type : {"rsa", "ecdsa", "ed25519"}) {
    world_.MakeKey(std::string("key_") + type, type);
    world_.Write("authorized_keys",
                 world_.Read(absl::StrCat("key_", type, ".pub")), 0644);
    world_.Configure(
        absl::StrCat("IdentityFile ", world_.path(absl::StrCat("key_", type))));
    EXPECT_EQ(Run(), "in\n") << type;
  }
}

TEST_F(SshLoginTest, AKeyInPemFormWorksAndNoFileIsWritten) {
  const Sshd sshd(&world_, "a");
  ASSERT_EQ(RunToEnd({"ssh-keygen", "-q", "-t", "rsa", "-m", "PEM", "-N", "",
                      "-f", world_.path("pem")}),
            0);
  world_.Write("authorized_keys", world_.Read("pem.pub"), 0644);
  std::filesystem::remove(world_.path("pem.pub"));
  world_.Configure(absl::StrCat("IdentityFile ", world_.path("pem")));
  EXPECT_EQ(Run(), "in\n");
  EXPECT_FALSE(std::filesystem::exists(world_.path("pem.pub")));
}

TEST_F(SshLoginTest, TheAgentsKeysAreUsed) {
  const Sshd sshd(&world_, "a");
  Agent agent(&world_);
  world_.MakeKey("kept", "rsa");
  agent.Add(world_.path("kept"));
  world_.Write("authorized_keys", world_.Read("kept.pub"), 0644);
  EXPECT_EQ(Run(), "in\n");
  // It was the first to be tried.
  EXPECT_THAT(sshd.log(), Not(HasSubstr("Failed publickey")));
}

TEST_F(SshLoginTest, TheAgentsKeyThatIsNamedComesFirst) {
  const Sshd sshd(&world_, "a");
  Agent agent(&world_);
  for (int i = 0; i < 8; ++i) {
    world_.MakeKey(absl::StrCat("many", i));
    agent.Add(world_.path(absl::StrCat("many", i)));
  }
  // Only its public part is here, as with a key on another machine.
  world_.MakeKey("kept");
  agent.Add(world_.path("kept"));
  std::filesystem::remove(world_.path("kept"));
  world_.Write("authorized_keys", world_.Read("kept.pub"), 0644);
  world_.Configure(absl::StrCat("IdentityFile ", world_.path("kept")));
  EXPECT_EQ(Run(), "in\n");
  EXPECT_THAT(sshd.log(), Not(HasSubstr("Failed publickey")));
}

TEST_F(SshLoginTest, TooManyKeysAreSaidToBeTooMany) {
  const Sshd sshd(&world_, "a");
  Agent agent(&world_);
  for (int i = 0; i < 8; ++i) {
    world_.MakeKey(absl::StrCat("many", i));
    agent.Add(world_.path(absl::StrCat("many", i)));
  }
  const std::string words = Run();
  EXPECT_THAT(words, HasSubstr("Too many authentication failures"));
  EXPECT_THAT(words, HasSubstr("IdentitiesOnly"));
  world_.Configure("IdentitiesOnly yes");
  EXPECT_EQ(Run(), "in\n");
}

TEST_F(SshLoginTest, AnAgentThatHangsIsGivenUp) {
  const Sshd sshd(&world_, "a");
  const int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  world_.path("deaf").copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(
      bind(listening, reinterpret_cast<sockaddr*>(&address), sizeof(address)),
      0);
  listen(listening, 8);
  world_.Configure(absl::StrCat("IdentityAgent ", world_.path("deaf")));
  int cancel[2];
  ASSERT_EQ(pipe2(cancel, O_CLOEXEC), 0);
  Patience patience;
  patience.cancel_fd = cancel[0];
  std::thread impatient([&] {
    // The connection to the agent is made: the request is on its way.
    const int agent = accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
    close(cancel[1]);
    char byte;
    while (read(agent, &byte, 1) > 0) {
    }
    close(agent);
  });
  const absl::Time before = absl::Now();
  const auto stream =
      OpenSshStream(world_.Address("a"), "true", patience, Libssh());
  EXPECT_EQ(stream.status().code(), absl::StatusCode::kCancelled);
  EXPECT_LT(absl::Now() - before, absl::Seconds(5));
  impatient.join();
  close(cancel[0]);
  close(listening);
}

}  // namespace
}  // namespace dist
