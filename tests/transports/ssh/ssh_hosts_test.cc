// Many hosts, other users, and hosts that only others reach.
#include <dirent.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <fstream>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/support/process_test.h"
#include "tests/support/ssh_client.h"
#include "tests/support/sshd.h"
#include "tests/support/stream_test.h"
#include "transports/ssh/pump.h"
#include "transports/ssh/ssh.h"

namespace dist {
namespace {

using ::testing::HasSubstr;

size_t ResidentKiB() {
  size_t size = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return resident * sysconf(_SC_PAGESIZE) / 1024;
}

int Entries(const char* folder) {
  int n = 0;
  DIR* dir = opendir(folder);
  while (readdir(dir) != nullptr) ++n;
  closedir(dir);
  return n;
}

class SshHostsTest : public ::testing::Test {
 protected:
  absl::StatusOr<Stream> Open(const SshAddress& address,
                              const std::string& command) {
    return OpenSshStream(address, command, Soon(absl::Seconds(60)), Libssh());
  }

  SshWorld world_;
};

TEST_F(SshHostsTest, SixtyFourSessionsShareOneThread) {
  constexpr int kHosts = 64;
  const Sshd sshd(&world_, "a");
  const int descriptors = Entries("/proc/self/fd");
  std::vector<std::unique_ptr<StreamClient>> clients(kHosts);
  const auto open = [&](int i) {
    auto stream = Open(world_.Address("a"), "cat");
    ASSERT_TRUE(stream.ok()) << stream.status();
    clients[i] = std::make_unique<StreamClient>(*stream);
    ASSERT_TRUE(clients[i]->Send("hello\n"));
    ASSERT_EQ(clients[i]->ReadLine(), "hello\n");
  };
  open(0);
  const int tasks = Entries("/proc/self/task");  // The pump's among them.
  const size_t before = ResidentKiB();
  std::vector<std::thread> threads;
  for (int i = 1; i < kHosts; ++i) threads.emplace_back(open, i);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(PumpedLinks(), kHosts);
  EXPECT_TRUE(Eventually([&] { return Entries("/proc/self/task") == tasks; }));
  // Each moves something: 16 MiB in all, both ways at once.
  const std::string sent(256 << 10, 'x');
  threads.clear();
  for (auto& client : clients) {
    threads.emplace_back([&] {
      std::thread sender([&] { EXPECT_TRUE(client->Send(sent)); });
      EXPECT_TRUE(client->ReadBytes(sent.size()) == sent);
      sender.join();
    });
  }
  for (std::thread& thread : threads) thread.join();
  const size_t each = (ResidentKiB() - before) / (kHosts - 1);
  printf("memory of each further host: %zu KiB\n", each);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LE(each, 2048u);
#endif
  clients.clear();
  EXPECT_TRUE(Eventually([] { return PumpedLinks() == 0; }));
  // The pump's own three.
  EXPECT_LE(Entries("/proc/self/fd"), descriptors + 3);
}

// An account of this machine, for the time of a test.
class Account {
 public:
  explicit Account(const std::string& shell)
      : name_(absl::StrCat("dist", getpid())) {
    made_ = geteuid() == 0 && RunToEnd({"useradd", "-m", "-d", home(), "-s",
                                        shell, "-p", "*", name_}) == 0;
  }
  ~Account() {
    if (made_) RunToEnd({"userdel", "-f", "-r", name_});
  }
  bool made() const { return made_; }
  const std::string& name() const { return name_; }
  std::string home() const { return absl::StrCat("/tmp/home_", name_); }
  void Write(const std::string& file, const std::string& text) {
    std::ofstream(absl::StrCat(home(), "/", file)) << text;
  }

 private:
  const std::string name_;
  bool made_ = false;
};

TEST_F(SshHostsTest, AnOrdinaryUserWithCshAndANoisyProfile) {
  Account account("/bin/csh");
  if (!account.made()) {
    GTEST_SKIP() << "NOT TESTED: making an account needs root";
  }
  SshdOptions options;
  options.config = {"SetEnv HOME=" + account.home()};
  const Sshd sshd(&world_, "a", options);
  account.Write(".cshrc", "echo 'Welcome to csh'\n");
  SshAddress address = world_.Address("a");
  address.user = account.name();
  EXPECT_EQ(Output(Open(address, "exec sh -c 'id -un; echo $0'")),
            absl::StrCat("Welcome to csh\n", account.name(), "\nsh\n"));
}

TEST_F(SshHostsTest, AnAccountWithoutAShellIsItsOwnWords) {
  Account account("/usr/sbin/nologin");
  if (!account.made()) {
    GTEST_SKIP() << "NOT TESTED: making an account needs root";
  }
  const Sshd sshd(&world_, "a");
  SshAddress address = world_.Address("a");
  address.user = account.name();
  const auto stream = Open(address, "true");
  ASSERT_TRUE(stream.ok()) << stream.status();
  StreamClient client(*stream);
  EXPECT_THAT(client.ReadAll(), HasSubstr("not available"));
  EXPECT_EQ(client.end(), "exit status 1");
}

// A network of its own with one cable to ours.
class Network {
 public:
  Network() : name_(absl::StrCat("dist", getpid())) {
    const std::string inside = absl::StrCat("i", getpid());
    const std::string outside = absl::StrCat("o", getpid());
    // Of the nets that RFC 2544 sets apart for tests.
    const std::string net = absl::StrCat("198.18.", getpid() % 250, ".");
    address_ = net + "2";
    made_ =
        geteuid() == 0 && RunToEnd({"ip", "netns", "add", name_}) == 0 &&
        RunToEnd({"ip", "link", "add", outside, "type", "veth", "peer", "name",
                  inside, "netns", name_}) == 0 &&
        RunToEnd({"ip", "addr", "add", net + "1/30", "dev", outside}) == 0 &&
        RunToEnd({"ip", "link", "set", outside, "up"}) == 0 &&
        RunToEnd({"ip", "-n", name_, "addr", "add", net + "2/30", "dev",
                  inside}) == 0 &&
        RunToEnd({"ip", "-n", name_, "link", "set", inside, "up"}) == 0 &&
        RunToEnd({"ip", "-n", name_, "link", "set", "lo", "up"}) == 0;
  }
  ~Network() {
    if (geteuid() == 0) RunToEnd({"ip", "netns", "del", name_});
  }
  bool made() const { return made_; }
  const std::string& address() const { return address_; }  // Its end.
  std::vector<std::string> Inside() const {
    return {"ip", "netns", "exec", name_};
  }

 private:
  const std::string name_;
  std::string address_;
  bool made_ = false;
};

TEST_F(SshHostsTest, AHostThatOnlyTheJumpHostReaches) {
  const Network network;
  if (!network.made()) {
    GTEST_SKIP() << "NOT TESTED: making a network namespace needs root";
  }
  SshdOptions gate;
  gate.before = network.Inside();
  gate.listen = network.address();
  SshdOptions behind;
  behind.before = network.Inside();
  behind.listen = "127.0.0.2";
  const Sshd jump(&world_, "jump", gate), inner(&world_, "inner", behind);
  EXPECT_THAT(Output(Open(world_.Address("inner"), "echo in")),
              HasSubstr("connection refused"));
  SshAddress through = world_.Address("inner");
  through.jump = "jump";
  EXPECT_EQ(Output(Open(through, "echo in")), "in\n");
  Patience patience;
  EXPECT_EQ(
      Output(OpenSshStreamVia(world_.Address("jump"), world_.Address("inner"),
                              "echo in", patience)),
      "in\n");
}

}  // namespace
}  // namespace dist
