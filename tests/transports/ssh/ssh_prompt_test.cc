// Passphrases. The clients are forks, since they need a terminal of their own,
// or none: so the tests themselves must have no threads.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

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

class SshPromptTest : public ::testing::Test {
 protected:
  // "in\n", or what went wrong.
  std::string Run() { return EchoOverSsh(world_.Address("a")); }

  SshWorld world_;
};

TEST_F(SshPromptTest, AnEncryptedKeyIsNotAskedForWithoutATerminal) {
  const Sshd sshd(&world_, "a");
  world_.MakeKey("locked", "ed25519", "secret");
  world_.Write("authorized_keys", world_.Read("locked.pub"), 0644);
  world_.Configure(absl::StrCat("IdentityFile ", world_.path("locked")));
  const pid_t child = fork();
  if (child == 0) {
    setsid();
    const std::string words = Run();
    _exit(words.find("locked (no terminal to ask on)") == words.npos ? 1 : 0);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST_F(SshPromptTest, AnEncryptedKeyIsAskedForOnTheTerminal) {
  const Sshd sshd(&world_, "a");
  world_.MakeKey("locked", "ed25519", "secret");
  world_.Write("authorized_keys", world_.Read("locked.pub"), 0644);
  world_.Configure(absl::StrCat("IdentityFile ", world_.path("locked")));
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_EQ(grantpt(terminal), 0);
  ASSERT_EQ(unlockpt(terminal), 0);
  const std::string name = ptsname(terminal);
  const pid_t child = fork();
  if (child == 0) {
    setsid();
    ioctl(open(name.c_str(), O_RDWR), TIOCSCTTY, 0);
    // The second time nobody is asked again.
    _exit(Run() == "in\n" && Run() == "in\n" ? 0 : 1);
  }
  std::string screen;
  const auto read_until = [&](const std::string& text) {
    char buffer[256];
    while (screen.find(text) == screen.npos) {
      const ssize_t n = read(terminal, buffer, sizeof(buffer));
      if (n <= 0) return false;
      screen.append(buffer, n);
    }
    return true;
  };
  EXPECT_TRUE(read_until("locked: "));
  (void)!write(terminal, "wrong\n", 6);
  EXPECT_TRUE(read_until("(that was wrong): "));
  (void)!write(terminal, "secret\n", 7);
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0) << screen;
  EXPECT_THAT(screen, Not(HasSubstr("secret")));
  close(terminal);
}

}  // namespace
}  // namespace dist
