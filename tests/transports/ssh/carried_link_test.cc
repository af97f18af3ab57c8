// Links straight into sessions with real sshd processes.
#include "transports/ssh/carried_link.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/support/process_test.h"
#include "tests/support/ssh_client.h"
#include "tests/support/sshd.h"
#include "tests/support/stream_test.h"
#include "transports/ssh/pump.h"
#include "transports/ssh/ssh.h"
#include "transports/wait.h"

namespace dist {
namespace {

// What a link actor does with a LinkSocket, without the actor.
class Carrier {
 public:
  explicit Carrier(LinkSocket socket)
      : fd_(socket.fd), link_(std::move(socket.secured)) {}

  // Until `size` bytes have come, all that is said has been sent, and nothing
  // is left in the session; or until the link ends.
  void Move(size_t size, absl::Duration patience = absl::Seconds(60)) {
    const absl::Time deadline = absl::Now() + patience;
    while ((heard_.size() < size || !to_say_.empty() || link_->unsent()) &&
           error_.ok() && absl::Now() < deadline) {
      if (!to_say_.empty() && !link_->blocked()) Write();
      if (error_.ok()) Wait();
      if (error_.ok()) Read();
    }
  }
  void Say(const std::string& bytes) { to_say_ += bytes; }
  const std::string& heard() const { return heard_; }
  size_t unsaid() const { return to_say_.size(); }
  const absl::Status& error() const { return error_; }
  int waits() const { return waits_; }
  SecuredLink& link() { return *link_; }
  void Cut() { shutdown(fd_.get(), SHUT_RDWR); }
  // Nobody has it any more.
  void Drop() {
    link_.reset();
    fd_.Reset();
  }

 private:
  void Wait() {
    const bool writes =
        (!to_say_.empty() && !link_->blocked()) || link_->unsent();
    pollfd wait = {fd_.get(),
                   static_cast<short>(POLLIN | (writes ? POLLOUT : 0)), 0};
    if (link_->pending() == 0) poll(&wait, 1, 200);
    ++waits_;
  }
  void Write() {
    const auto moved = link_->Write(to_say_.data(), to_say_.size());
    error_ = moved.status();
    if (moved.ok()) to_say_.erase(0, *moved);
  }
  void Read() {
    static char buffer[32 << 10];
    do {
      const auto moved = link_->Read(buffer, sizeof(buffer));
      error_ = moved.status();
      if (!moved.ok() || *moved == 0) return;
      heard_.append(buffer, *moved);
    } while (true);
  }

  OwnedFd fd_;
  std::shared_ptr<SecuredLink> link_;
  std::string to_say_, heard_;
  absl::Status error_;
  int waits_ = 0;
};

class CarriedLinkTest : public ::testing::Test {
 protected:
  Stream Open(const std::string& command, const SshdOptions& options = {}) {
    sshd_ = std::make_unique<Sshd>(&world_, "a", options);
    auto stream = OpenSshStream(world_.Address("a"), command, Soon(), Libssh());
    EXPECT_TRUE(stream.ok()) << stream.status();
    return *std::move(stream);
  }
  static Carrier Carry(const Stream& stream) {
    auto socket = stream.carry(stream.fd, Soon());
    EXPECT_TRUE(socket.ok()) << socket.status();
    return Carrier(*std::move(socket));
  }
  static std::string Noise(size_t size) {
    std::string bytes(size, '\0');
    uint32_t state = 1;
    for (char& c : bytes) {
      c = static_cast<char>((state = state * 1664525 + 1) >> 24);
    }
    return bytes;
  }

  SshWorld world_;
  std::unique_ptr<Sshd> sshd_;
};

TEST_F(CarriedLinkTest, NothingIsLostOrTurnedRoundWhereItTakesOver) {
  const Stream stream = Open("echo ahead; cat");
  char line[6];
  pollfd wait = {stream.fd, POLLIN, 0};
  ASSERT_EQ(poll(&wait, 1, 20000), 1);
  ASSERT_EQ(recv(stream.fd, line, 2, 0), 2) << "the rest is left there";
  // Less than the sockets hold, but more than one packet.
  const std::string first = Noise(100'000);
  ASSERT_EQ(send(stream.fd, first.data(), first.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(first.size()));
  Carrier carrier = Carry(stream);
  EXPECT_TRUE(Eventually([] { return PumpedLinks() == 0; }));
  carrier.Say("second");
  carrier.Move(first.size() + 10);
  EXPECT_TRUE(carrier.heard() == "ead\n" + first + "second");
  carrier.link().Finish();
  EXPECT_TRUE(Eventually([&] { return stream.witness->end() != ""; }));
  EXPECT_TRUE(Eventually([] { return PumpedLinks() == 0; }));
}

TEST_F(CarriedLinkTest, MovesMuchBothWaysWhileKeysAreExchangedAnew) {
  SshdOptions options;
  options.config = {"RekeyLimit 16M"};
  Carrier carrier = Carry(Open("cat", options));
  const std::string sent = Noise(40 << 20);
  carrier.Say(sent);
  carrier.Move(sent.size());
  EXPECT_TRUE(carrier.error().ok()) << carrier.error();
  EXPECT_TRUE(carrier.heard() == sent);
}

TEST_F(CarriedLinkTest, WaitsForAHostThatDoesNotReadWithoutTurningRound) {
  const Stream stream =
      Open(absl::StrCat("while ! test -e ", world_.path("go"),
                        "; do sleep 0.05; done; wc -c > ", world_.path("got")));
  Carrier carrier = Carry(stream);
  carrier.Say(std::string(8 << 20, 'x'));
  carrier.Move(0, absl::Seconds(2));
  EXPECT_GT(carrier.unsaid(), 0u) << "it takes a window and what sockets hold";
  EXPECT_EQ(carrier.link().Write("x", 1).value_or(1), 0u);
  EXPECT_TRUE(carrier.link().blocked());
  EXPECT_LT(carrier.waits(), 2000) << "each up to 0.2 s";
  world_.Write("go", "");
  carrier.Move(0);
  EXPECT_EQ(carrier.unsaid(), 0u);
  carrier.Drop();
  EXPECT_TRUE(Eventually(
      [&] { return world_.Read("got") == absl::StrCat(8 << 20, "\n"); }));
}

TEST_F(CarriedLinkTest, TheEndComesAfterWhatWasSaidAndIsExplained) {
  const Stream stream = Open("head -c 3000000 /dev/zero; exit 5");
  Carrier carrier = Carry(stream);
  carrier.Move(4'000'000);
  EXPECT_EQ(carrier.heard().size(), 3'000'000u);
  EXPECT_EQ(carrier.error().message(), "closed by the other side");
  carrier.Drop();
  EXPECT_TRUE(
      Eventually([&] { return stream.witness->end() == "exit status 5"; }));
  EXPECT_TRUE(Eventually([] { return PumpedLinks() == 0; }));
}

TEST_F(CarriedLinkTest, ALinkThatHasEndedSaysSoWhenItIsRead) {
  const Stream stream = Open("echo last");
  EXPECT_TRUE(Eventually([&] { return stream.witness->end() != ""; }));
  EXPECT_TRUE(Eventually([] { return PumpedLinks() == 0; }));
  Carrier carrier = Carry(stream);
  carrier.Move(100);
  EXPECT_EQ(carrier.heard(), "last\n");
  EXPECT_FALSE(carrier.error().ok());
}

TEST_F(CarriedLinkTest, AConnectionThatBreaksIsAnError) {
  const Stream stream = Open("echo $PPID; cat");
  Carrier carrier = Carry(stream);
  carrier.Move(2);
  carrier.Cut();
  carrier.Move(100, absl::Seconds(20));
  EXPECT_FALSE(carrier.error().ok());
  carrier.Drop();
  EXPECT_TRUE(Eventually([&] { return stream.witness->end() != ""; }));
  EXPECT_TRUE(Eventually([] { return PumpedLinks() == 0; }));
}

TEST_F(CarriedLinkTest, OneThatIsDroppedEndsTheCommand) {
  const std::string mark = world_.path("mark");
  Carrier carrier = Carry(Open(absl::StrCat("cat; echo x > ", mark)));
  carrier.Drop();
  EXPECT_TRUE(Eventually([&] { return !world_.Read("mark").empty(); }));
  EXPECT_TRUE(Eventually([] { return PumpedLinks() == 0; }));
}

TEST_F(CarriedLinkTest, WhoLosesPatienceLeavesNothing) {
  // Nobody reads there, so what was written cannot be sent.
  const Stream stream = Open("sleep 100");
  const std::string much(16 << 20, 'x');
  while (send(stream.fd, much.data(), much.size(),
              MSG_NOSIGNAL | MSG_DONTWAIT) > 0) {
    absl::SleepFor(absl::Milliseconds(100));
  }
  int cancel[2];
  ASSERT_EQ(pipe(cancel), 0);
  Patience patience;
  patience.cancel_fd = cancel[0];
  close(cancel[1]);  // Readable from now on.
  EXPECT_TRUE(absl::IsCancelled(stream.carry(stream.fd, patience).status()));
  close(cancel[0]);
  EXPECT_TRUE(Eventually([] { return PumpedLinks() == 0; }, 20));
}

}  // namespace
}  // namespace dist
