#include "transports/stdio.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <utility>

namespace dist {
namespace {

// A child whose stdin and stdout are pipes or one socket; it runs `child`
// behind a StdioSocket.
class StdioTest : public ::testing::Test {
 protected:
  enum class Kind { kPipes, kSocket };

  template <class F>
  void Fork(Kind kind, F child) {
    int in[2], out[2];
    if (kind == Kind::kSocket) {
      ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, in), 0);
      out[0] = dup(in[1]);
      out[1] = dup(in[0]);
    } else {
      ASSERT_EQ(pipe(in), 0);
      ASSERT_EQ(pipe(out), 0);
    }
    pid_ = fork();
    if (pid_ == 0) {
      alarm(20);
      dup2(in[0], 0);
      dup2(out[1], 1);
      for (const int fd : {in[0], in[1], out[0], out[1]}) close(fd);
      auto taken = StdioSocket::Take();
      if (!taken.ok()) _exit(9);
      child(&*taken);
      _exit(taken->Drain(absl::Seconds(10)) ? 0 : 8);
    }
    close(in[0]);
    close(out[1]);
    to_ = in[1];
    from_ = out[0];
  }
  ~StdioTest() override {
    close(to_);
    close(from_);
    // -1 would be everybody.
    if (pid_ > 0) kill(pid_, SIGKILL);
    if (pid_ > 0) waitpid(pid_, nullptr, 0);
  }

  std::string ReadAll() {
    std::string all;
    char buffer[65536];
    for (ssize_t n; (n = read(from_, buffer, sizeof(buffer))) > 0;) {
      all.append(buffer, n);
    }
    return all;
  }
  int Wait() {
    int status = -1;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
  }

  pid_t pid_ = -1;
  int to_ = -1;
  int from_ = -1;
};

// Reads to the end, then writes it back.
void Echo(StdioSocket* link) {
  std::string all;
  char buffer[65536];
  for (ssize_t n; (n = read(link->fd(), buffer, sizeof(buffer))) > 0;) {
    all.append(buffer, n);
  }
  for (size_t at = 0; at < all.size();) {
    const ssize_t n = write(link->fd(), all.data() + at, all.size() - at);
    if (n <= 0) _exit(7);
    at += n;
  }
  close(link->fd());
}

TEST_F(StdioTest, CarriesAllOfBothDirectionsThroughPipes) {
  Fork(Kind::kPipes, Echo);
  // More than pipes and sockets hold.
  const std::string sent(3 << 20, 'x');
  for (size_t at = 0; at < sent.size();) {
    const ssize_t n = write(to_, sent.data() + at, sent.size() - at);
    ASSERT_GT(n, 0);
    at += n;
  }
  close(std::exchange(to_, -1));
  EXPECT_EQ(ReadAll(), sent);
  EXPECT_EQ(Wait(), 0);
}

TEST_F(StdioTest, IsTheSocketItselfWhereItIsOne) {
  Fork(Kind::kSocket, Echo);
  ASSERT_EQ(write(to_, "hello", 5), 5);
  shutdown(to_, SHUT_WR);
  EXPECT_EQ(ReadAll(), "hello");
  EXPECT_EQ(Wait(), 0);
}

TEST_F(StdioTest, KeepsStrayPrintsOut) {
  for (const Kind kind : {Kind::kPipes, Kind::kSocket}) {
    Fork(kind, [](StdioSocket* link) {
      char buffer[10];
      if (read(0, buffer, sizeof(buffer)) != 0) _exit(6);
      (void)!write(1, "stray", 5);
      (void)!write(link->fd(), "link", 4);
      close(link->fd());
    });
    EXPECT_EQ(ReadAll(), "link");
    EXPECT_EQ(Wait(), 0);
    close(std::exchange(to_, -1));
    close(std::exchange(from_, -1));
  }
}

TEST_F(StdioTest, DoesNotWaitForAReaderThatIsStuck) {
  Fork(Kind::kPipes, [](StdioSocket* link) {
    fcntl(link->fd(), F_SETFL, O_NONBLOCK);
    const std::string much(1 << 20, 'x');
    while (write(link->fd(), much.data(), much.size()) > 0) {
    }
    close(link->fd());
    _exit(link->Drain(absl::Milliseconds(50)) ? 1 : 0);
  });
  EXPECT_EQ(Wait(), 0) << "though nobody read";
}

}  // namespace
}  // namespace dist
