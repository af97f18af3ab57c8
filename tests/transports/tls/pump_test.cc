#include "transports/tls/pump.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "tests/transports/tls/tls_pair.h"

namespace dist {
namespace {

// One side of a connection: a pump, and the local socket that it serves.
class Side {
 public:
  Side(TlsSession session, std::string to_peer, std::string to_local, int stop)
      : tls_(std::move(session)) {
    EXPECT_TRUE(MakeSocketPair(&outer_, &inner_).ok());
    how_ = std::async(std::launch::async, [=] {
      PumpEnds ends;
      ends.tls = &tls_;
      ends.local = inner_.get();
      ends.stop = stop;
      ends.to_peer = to_peer;
      ends.to_local = to_local;
      std::string how = PumpTls(ends);
      inner_.Reset();
      return how;
    });
  }

  int fd() const { return outer_.get(); }
  ~Side() { Close(); }

  void Close() { outer_.Reset(); }
  std::string How() { return how_.get(); }

  void Send(const std::string& bytes) {
    for (size_t sent = 0; sent < bytes.size();) {
      const ssize_t n =
          send(fd(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      ASSERT_GT(n, 0);
      sent += n;
    }
  }
  std::string Read(size_t size) {
    std::string got;
    std::string buffer(1 << 16, '\0');
    while (got.size() < size) {
      pollfd wait = {fd(), POLLIN, 0};
      if (poll(&wait, 1, 20000) <= 0) break;
      const ssize_t n = read(fd(), &buffer[0], buffer.size());
      if (n <= 0) break;
      got.append(buffer, 0, n);
    }
    return got;
  }

 private:
  TlsSession tls_;
  OwnedFd outer_, inner_;
  std::future<std::string> how_;
};

class PumpTest : public ::testing::Test {
 protected:
  void Connect(std::string to_peer = "", std::string to_local = "") {
    Sockets sockets;
    under_ = OwnedFd(dup(sockets.a.get()));
    TlsPair pair(KeyOf('k'), KeyOf('k'), std::move(sockets));
    pair.Shake();
    ASSERT_TRUE(pair.Done());
    client_.emplace(std::move(pair.client), to_peer, to_local, -1);
    server_.emplace(std::move(pair.server), "", "", stop_.get());
  }

  OwnedFd stop_{eventfd(0, EFD_CLOEXEC)};
  OwnedFd under_;  // The connection of the client.
  std::optional<Side> client_, server_;
};

TEST_F(PumpTest, CarriesMuchBothWaysAtOnce) {
  Connect();
  std::string up, down;
  for (int i = 0; up.size() < 20u << 20; ++i) up += std::to_string(i * 7919);
  for (int i = 0; down.size() < 20u << 20; ++i) down += std::to_string(i * 31);
  std::thread sends_up([&] { client_->Send(up); });
  std::thread sends_down([&] { server_->Send(down); });
  auto got_up =
      std::async(std::launch::async, [&] { return server_->Read(up.size()); });
  EXPECT_TRUE(client_->Read(down.size()) == down);
  EXPECT_TRUE(got_up.get() == up);
  sends_up.join();
  sends_down.join();
}

TEST_F(PumpTest, WhatIsGivenGoesFirst) {
  Connect("peer ", "local ");
  client_->Send("more");
  EXPECT_EQ(server_->Read(9), "peer more");
  server_->Send("too");
  EXPECT_EQ(client_->Read(9), "local too");
}

TEST_F(PumpTest, WhatWasWrittenArrivesBeforeTheEnd) {
  Connect();
  const std::string bytes(100000, 'x');
  client_->Send(bytes);
  client_->Close();
  EXPECT_EQ(client_->How(), "");
  EXPECT_EQ(server_->Read(bytes.size() + 1), bytes);
  EXPECT_EQ(server_->How(), "closed by the other side");
}

TEST_F(PumpTest, ASlowReaderIsWaitedFor) {
  Connect();
  // Nobody reads: it must not be taken in without end.
  size_t taken = 0;
  const std::string bytes(1 << 16, 'x');
  pollfd room = {client_->fd(), POLLOUT, 0};
  while (poll(&room, 1, 300) > 0 && taken < 64u << 20) {
    const ssize_t n =
        send(client_->fd(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (n > 0) taken += n;
  }
  EXPECT_LT(taken, 8u << 20);
  EXPECT_EQ(server_->Read(taken).size(), taken);
}

TEST_F(PumpTest, ACutConnectionEndsBothSides) {
  Connect();
  shutdown(under_.get(), SHUT_RDWR);
  EXPECT_EQ(client_->Read(1), "");
  EXPECT_EQ(server_->Read(1), "");
  EXPECT_NE(client_->How(), "");
  EXPECT_NE(server_->How(), "");
}

TEST_F(PumpTest, ForgedBytesEndIt) {
  Connect();
  ASSERT_GT(
      send(under_.get(), "\x17\x03\x03\x00\x1b 0123456789abcdefghijklmnop", 32,
           MSG_NOSIGNAL),
      0);
  EXPECT_EQ(server_->Read(1), "");
  EXPECT_NE(server_->How().find("does not speak as expected"),
            std::string::npos);
}

TEST_F(PumpTest, IsStoppedUnderLoad) {
  Connect();
  std::atomic<bool> ends{false};
  std::thread sends([&] {
    const std::string bytes(1 << 16, 'x');
    while (send(client_->fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0) {
    }
  });
  std::thread reads([&] {
    std::string buffer(1 << 16, '\0');
    while (read(server_->fd(), &buffer[0], buffer.size()) > 0) {
    }
    ends = true;
  });
  eventfd_write(stop_.get(), 1);
  server_->How();
  reads.join();
  EXPECT_TRUE(ends);
  client_->How();
  sends.join();
}

}  // namespace
}  // namespace dist
