// Passphrases. The clients are forks, since they need a terminal of their own,
// or none: so the tests themselves must have no threads.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/support/ssh_client.h"
#include "tests/support/sshd.h"
#include "tests/support/stream_test.h"
#include "transports/ssh/ssh.h"

namespace dist {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// A terminal with somebody who reads and types.
class Terminal {
 public:
  Terminal() : fd_(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    EXPECT_EQ(grantpt(fd_), 0);
    EXPECT_EQ(unlockpt(fd_), 0);
    name_ = ptsname(fd_);
  }
  ~Terminal() { close(fd_); }

  // Makes it the calling process's.
  void Take() const {
    setsid();
    ioctl(open(name_.c_str(), O_RDWR), TIOCSCTTY, 0);
  }
  bool ReadUntil(const std::string& text) {
    char buffer[256];
    while (screen.find(text) == screen.npos) {
      const ssize_t n = read(fd_, buffer, sizeof(buffer));
      if (n <= 0) return false;
      screen.append(buffer, n);
    }
    return true;
  }
  void Type(const std::string& text) const {
    EXPECT_EQ(write(fd_, text.data(), text.size()),
              static_cast<ssize_t>(text.size()));
  }

  std::string screen;

 private:
  const int fd_;
  std::string name_;
};

class SshPromptTest : public ::testing::Test {
 protected:
  SshPromptTest() {
    world_.MakeKey("locked", "ed25519", "secret");
    world_.Write("authorized_keys", world_.Read("locked.pub"), 0644);
  }
  void UseLockedKey() {
    world_.Configure(absl::StrCat("IdentityFile ", world_.path("locked")));
  }
  // "in\n", or what went wrong.
  std::string Run(const std::string& host = "a",
                  const Patience& patience = Soon()) {
    return EchoOverSsh(world_.Address(host), patience);
  }
  // What `body` returns becomes the status of a process of its own.
  template <class F>
  static pid_t Fork(F body) {
    const pid_t child = fork();
    if (child == 0) _exit(body());
    return child;
  }
  static int Wait(pid_t child) {
    int status = -1;
    waitpid(child, &status, 0);
    return status;
  }

  SshWorld world_;
};

TEST_F(SshPromptTest, AnEncryptedKeyIsNotAskedForWithoutATerminal) {
  const Sshd sshd(&world_, "a");
  UseLockedKey();
  EXPECT_EQ(Wait(Fork([&] {
              setsid();
              const std::string words = Run();
              return words.find("locked (no terminal to ask on)") == words.npos;
            })),
            0);
}

TEST_F(SshPromptTest, AnEncryptedKeyIsAskedForOnTheTerminal) {
  const Sshd sshd(&world_, "a");
  UseLockedKey();
  Terminal terminal;
  const pid_t child = Fork([&] {
    terminal.Take();
    // The second time nobody is asked again.
    return Run() == "in\n" && Run() == "in\n" ? 0 : 1;
  });
  EXPECT_TRUE(terminal.ReadUntil("locked: "));
  terminal.Type("wrong\n");
  EXPECT_TRUE(terminal.ReadUntil("(that was wrong): "));
  terminal.Type("secret\n");
  EXPECT_EQ(Wait(child), 0) << terminal.screen;
  EXPECT_THAT(terminal.screen, Not(HasSubstr("secret")));
}

// Hosts that wait for the answer to another's question as well.
TEST_F(SshPromptTest, ThinkingCostsNoTime) {
  constexpr absl::Duration kLimit = absl::Seconds(2);
  const Sshd a(&world_, "a");
  const Sshd b(&world_, "b");
  UseLockedKey();
  Terminal terminal;
  const pid_t child = Fork([&] {
    terminal.Take();
    const Patience patience = Soon(kLimit);
    std::string at_b;
    std::thread other([&] { at_b = Run("b", patience); });
    const std::string at_a = Run("a", patience);
    other.join();
    return at_a == "in\n" && at_b == "in\n" ? 0 : 1;
  });
  EXPECT_TRUE(terminal.ReadUntil("locked: "));
  absl::SleepFor(kLimit + absl::Milliseconds(100));
  terminal.Type("secret\n");
  EXPECT_EQ(Wait(child), 0) << terminal.screen;
}

}  // namespace
}  // namespace dist
