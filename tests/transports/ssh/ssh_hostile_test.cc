// Servers that are slow, busy, hostile or none at all, and callers who lose
// interest.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/support/sshd.h"
#include "tests/support/stream_test.h"
#include "transports/ssh/pump.h"
#include "transports/ssh/ssh.h"

namespace dist {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

sockaddr_in Loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// Answers each connection to a port with `serve`, which need not close it.
class RawServer {
 public:
  explicit RawServer(std::function<void(int fd)> serve)
      : serve_(std::move(serve)) {
    listening_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = Loopback(0);
    socklen_t size = sizeof(address);
    bind(listening_, reinterpret_cast<sockaddr*>(&address), size);
    listen(listening_, 64);
    getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] {
      while (true) {
        const int fd = accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) return;
        threads_.emplace_back([this, fd] {
          serve_(fd);
          close(fd);
        });
      }
    });
  }
  ~RawServer() {
    shutdown(listening_, SHUT_RDWR);
    thread_.join();
    for (std::thread& thread : threads_) thread.join();
    close(listening_);
  }
  int port() const { return port_; }

 private:
  const std::function<void(int)> serve_;
  int listening_ = -1;
  int port_ = 0;
  std::thread thread_;
  std::vector<std::thread> threads_;  // Used by thread_, then by the end.
};

void Say(int fd, const std::string& text) {
  (void)!send(fd, text.data(), text.size(), MSG_NOSIGNAL);
}

// Waits until the client is gone.
void Listen(int fd) {
  char buffer[4096];
  while (recv(fd, buffer, sizeof(buffer), 0) > 0) {
  }
}

// Passes bytes on between a client and a server on `port`.
void Relay(int client, int port) {
  const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  if (connect(server, reinterpret_cast<const sockaddr*>(&address),
              sizeof(address)) == 0) {
    pollfd fds[2] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
    char buffer[16384];
    for (bool open = true; open;) {
      if (poll(fds, 2, -1) < 0) break;
      for (int i = 0; i < 2 && open; ++i) {
        if (fds[i].revents == 0) continue;
        const ssize_t n = recv(fds[i].fd, buffer, sizeof(buffer), 0);
        open = n > 0 && send(fds[1 - i].fd, buffer, n, MSG_NOSIGNAL) == n;
      }
    }
  }
  close(server);
}

class SshHostileTest : public ::testing::Test {
 protected:
  void Point(const std::string& name, int port) {
    world_.Configure(absl::StrCat("Host ", name, "\n  HostName 127.0.0.1\n",
                                  "  Port ", port));
  }
  absl::StatusOr<Stream> Open(const std::string& name,
                              const Patience& patience = Patience()) {
    SshOptions options;
    options.choice = SshChoice::kLibssh;
    return OpenSshStream(world_.Address(name), "echo in", patience, options);
  }
  std::string Run(const std::string& name) {
    const auto stream = Open(name);
    if (!stream.ok()) return std::string(stream.status().message());
    return StreamClient(*stream).ReadAll();
  }
  // Opens a stream and loses interest once `when` says so.
  void ExpectQuickEnd(const std::string& name,
                      const std::function<void()>& when) {
    int cancel[2];
    ASSERT_EQ(pipe2(cancel, O_CLOEXEC), 0);
    absl::Time lost;
    std::thread impatient([&] {
      when();
      lost = absl::Now();
      close(cancel[1]);
    });
    Patience patience;
    patience.cancel_fd = cancel[0];
    const auto stream = Open(name, patience);
    const absl::Time ended = absl::Now();
    impatient.join();
    EXPECT_TRUE(absl::IsCancelled(stream.status())) << stream.status();
    EXPECT_LT(ended - lost, absl::Seconds(5));  // A second, on a busy machine.
    close(cancel[0]);
  }

  SshWorld world_;
};

TEST_F(SshHostileTest, AServerOfAnotherKindIsQuoted) {
  const RawServer web([](int fd) {
    char buffer[256];
    (void)!recv(fd, buffer, sizeof(buffer), 0);
    Say(fd, "HTTP/1.1 400 Bad \x1b[2JRequest\r\n\r\n");
  });
  Point("web", web.port());
  EXPECT_THAT(Run("web"),
              HasSubstr("is no ssh server; it says: HTTP/1.1 400 Bad "
                        "\\x1b[2JRequest"));
}

TEST_F(SshHostileTest, AServerThatTalksWithoutEndIsLeft) {
  const RawServer chatty([](int fd) {
    const std::string lines(1 << 16, '\n');
    while (send(fd, lines.data(), lines.size(), MSG_NOSIGNAL) > 0) {
    }
  });
  Point("chatty", chatty.port());
  EXPECT_THAT(Run("chatty"), HasSubstr("no ssh server"));
  const RawServer long_line([](int fd) {
    const std::string line(1 << 16, 'x');
    while (send(fd, line.data(), line.size(), MSG_NOSIGNAL) > 0) {
    }
  });
  Point("long", long_line.port());
  EXPECT_THAT(Run("long"), HasSubstr("no ssh server"));
}

TEST_F(SshHostileTest, LinesBeforeTheBannerAreAllowed) {
  const Sshd sshd(&world_, "real");
  const RawServer slow([&](int fd) {
    for (const char c : std::string("welcome\r\nto us\r\n")) {
      Say(fd, std::string(1, c));
      poll(nullptr, 0, 5);  // Slow, a byte at a time.
    }
    Relay(fd, sshd.port());
  });
  Point("slow", slow.port());
  world_.Append("known_hosts", absl::StrCat("[127.0.0.1]:", slow.port(), " ",
                                            world_.Read("host_key.pub")));
  EXPECT_EQ(Run("slow"), "in\n");
}

TEST_F(SshHostileTest, AServerThatDropsLoginsIsAskedAgain) {
  const Sshd sshd(&world_, "real");
  std::atomic<int> count{0};
  const RawServer busy([&](int fd) {
    const int n = ++count;
    if (n == 1) return;
    if (n == 2) return Say(fd, "Exceeded MaxStartups\r\n");
    Relay(fd, sshd.port());
  });
  Point("busy", busy.port());
  world_.Append("known_hosts", absl::StrCat("[127.0.0.1]:", busy.port(), " ",
                                            world_.Read("host_key.pub")));
  EXPECT_EQ(Run("busy"), "in\n");
  EXPECT_EQ(count, 3);
}

TEST_F(SshHostileTest, AServerThatTurnsUsAwayIsNoForeignOne) {
  const RawServer busy([](int fd) { Say(fd, "Not allowed at this time\r\n"); });
  Point("busy", busy.port());
  Patience patience;
  patience.deadline = absl::Now() + absl::Seconds(4);
  std::string notes;
  SshOptions options;
  options.choice = SshChoice::kLibssh;
  options.note = [&](const std::string& line) { notes += line + "\n"; };
  const auto stream =
      OpenSshStream(world_.Address("busy"), "true", patience, options);
  ASSERT_EQ(stream.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(stream.status().message()),
              HasSubstr(" turns us away: Not allowed at this time\nhelp: "));
  EXPECT_THAT(notes, HasSubstr("busy: turned away before the login"));
}

TEST_F(SshHostileTest, AServerThatDropsLaterIsNotAskedAgain) {
  std::atomic<int> count{0};
  const RawServer rude([&](int fd) {
    ++count;
    Say(fd, "SSH-2.0-rude\r\n");
    char buffer[256];
    (void)!recv(fd, buffer, sizeof(buffer), 0);
  });
  Point("rude", rude.port());
  EXPECT_THAT(Run("rude"), HasSubstr("no ssh connection to 127.0.0.1 port"));
  EXPECT_EQ(count, 1);
}

TEST_F(SshHostileTest, RandomBytesAfterTheBannerEndTheAttempt) {
  const RawServer garbage([](int fd) {
    std::string bytes = "SSH-2.0-garbage\r\n";
    uint32_t state = 7;
    for (int i = 0; i < 5000; ++i) {
      bytes += static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
    }
    Say(fd, bytes);
    Listen(fd);
  });
  Point("garbage", garbage.port());
  EXPECT_THAT(Run("garbage"), HasSubstr("no ssh connection"));
}

TEST_F(SshHostileTest, AllOfManyLoginsPassAServerThatTakesTwo) {
  SshdOptions options;
  options.config = {"MaxStartups 2:50:3"};
  const Sshd sshd(&world_, "small", options);
  std::atomic<int> in{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 12; ++i) {
    threads.emplace_back([&] {
      const std::string got = Run("small");
      EXPECT_EQ(got, "in\n");
      if (got == "in\n") ++in;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(in, 12);
}

TEST_F(SshHostileTest, LosingInterestWhileTheServerIsSilent) {
  std::atomic<bool> connected{false};
  const RawServer silent([&](int fd) {
    connected = true;
    Listen(fd);
  });
  Point("silent", silent.port());
  ExpectQuickEnd("silent", [&] {
    while (!connected) std::this_thread::yield();
  });
}

TEST_F(SshHostileTest, LosingInterestWhileKeysAreExchanged) {
  std::atomic<bool> asked{false};
  const RawServer half([&](int fd) {
    Say(fd, "SSH-2.0-half\r\n");
    char buffer[4096];
    (void)!recv(fd, buffer, sizeof(buffer), 0);
    asked = true;
    Listen(fd);
  });
  Point("half", half.port());
  ExpectQuickEnd("half", [&] {
    while (!asked) std::this_thread::yield();
  });
}

TEST_F(SshHostileTest, LosingInterestWhileNobodyAccepts) {
  // A queue that is full: what comes after gets no answer.
  const int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(listening, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listening, 0), 0);
  getsockname(listening, reinterpret_cast<sockaddr*>(&address), &size);
  std::vector<int> waiting;
  for (int i = 0; i < 4; ++i) {
    waiting.push_back(
        socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    (void)!connect(waiting.back(), reinterpret_cast<sockaddr*>(&address), size);
  }
  Point("full", ntohs(address.sin_port));
  ExpectQuickEnd("full", [] { poll(nullptr, 0, 200); });
  Patience patience;
  patience.deadline = absl::Now() + absl::Milliseconds(300);
  const auto stream = Open("full", patience);
  EXPECT_EQ(stream.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(stream.status().message()),
              HasSubstr("connecting to 127.0.0.1 port"));
  for (const int fd : waiting) close(fd);
  close(listening);
}

TEST_F(SshHostileTest, LosingInterestWhileTheConfigurationAsksAProgram) {
  const std::string mark = world_.path("mark");
  world_.Configure(
      absl::StrCat("Match exec \"touch ", mark, "; sleep 1000\"\n"));
  ExpectQuickEnd("a", [&] {
    while (access(mark.c_str(), F_OK) != 0) std::this_thread::yield();
  });
}

TEST_F(SshHostileTest, LosingInterestWhileWaitingForATurn) {
  std::atomic<int> connected{0};
  const RawServer silent([&](int fd) {
    ++connected;
    Listen(fd);
  });
  Point("silent", silent.port());
  int cancel[2];
  ASSERT_EQ(pipe2(cancel, O_CLOEXEC), 0);
  Patience patience;
  patience.cancel_fd = cancel[0];
  std::vector<std::thread> threads;
  for (int i = 0; i < 10; ++i) {
    threads.emplace_back([&] {
      EXPECT_TRUE(absl::IsCancelled(Open("silent", patience).status()));
    });
  }
  while (connected < 8) std::this_thread::yield();
  const absl::Time lost = absl::Now();
  close(cancel[1]);
  for (std::thread& thread : threads) thread.join();
  EXPECT_LT(absl::Now() - lost, absl::Seconds(5));
  EXPECT_EQ(connected, 8);  // Nobody else had a turn.
  close(cancel[0]);
}

}  // namespace
}  // namespace dist
