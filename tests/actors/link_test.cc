// The link actors over real sockets, with a test at the other end.
#include "actors/link.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "actors/actor_class.h"
#include "actors/system.h"
#include "tests/support/link_peer.h"
#include "transports/tls/secured.h"
#include "transports/wait.h"

namespace dist {
namespace {

// What a sink heard. Shared with the actor's thread.
class Heard {
 public:
  void Spoke(NodeEvent event) {
    const std::lock_guard<std::mutex> lock(mutex_);
    events_.push_back(std::move(event));
  }
  void Commanded() {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++commands_;
  }
  void Ended(std::string text) {
    const std::lock_guard<std::mutex> lock(mutex_);
    ended_ = std::move(text);
    ++ends_;
    end_.notify_all();
  }
  bool EndsWithin(std::chrono::seconds most) {
    std::unique_lock<std::mutex> lock(mutex_);
    return end_.wait_for(lock, most, [this] { return ended_.has_value(); });
  }
  std::vector<NodeEvent> events() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return events_;
  }
  size_t event_count() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return events_.size();
  }
  int commands() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return commands_;
  }
  std::optional<std::string> ended() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return ended_;
  }
  int ends() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return ends_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable end_;
  std::vector<NodeEvent> events_;
  int commands_ = 0;
  std::optional<std::string> ended_;
  int ends_ = 0;
};

HostSinkHandle::behavior_type HostSink(HostSinkHandle::pointer self,
                                       std::shared_ptr<Heard> heard) {
  return {
      [=](const HostSpoke& e) {
        const bool output = std::holds_alternative<OutputWritten>(e.event);
        heard->Spoke(e.event);
        if (const auto& link = self->current_sender()) {
          caf::anon_send(
              caf::actor_cast<CommandLinkHandle>(link),
              Consumed{e.cost, output ? Channel::kOutput : Channel::kControl});
        }
      },
      [=](const LinkEnded& e) {
        heard->Ended(e.text);
        self->quit();
      },
  };
}

NodeSinkHandle::behavior_type NodeSink(NodeSinkHandle::pointer self,
                                       std::shared_ptr<Heard> heard) {
  return {
      [=](const CommandMessage&) { heard->Commanded(); },
      [=](const LinkEnded& e) {
        heard->Ended(e.text);
        self->quit();
      },
  };
}

// One end of a TLS session, over which a link is to run.
absl::StatusOr<LinkSocket> Secure(TlsSession::Side side, OwnedFd socket) {
  SetNonBlocking(socket.get());
  Patience patience;
  patience.deadline = absl::Now() + absl::Seconds(10);
  const ServeKey key(std::string(ServeKey::kBytes, 'k'));
  return TakeOver(side, {std::move(socket), key}, patience);
}
// Plain, and over TLS.
class LinkTest : public ::testing::TestWithParam<bool> {
 protected:
  LinkTest() {
    OwnedFd theirs, ours;
    EXPECT_TRUE(MakeSocketPair(&theirs, &ours).ok());
    if (!GetParam()) {
      peer_ = std::make_unique<LinkPeer>(LinkSocket(theirs.Release()));
      end_.emplace(ours.Release());
      return;
    }
    absl::StatusOr<LinkSocket> peer = absl::UnknownError("");
    std::thread there(
        [&] { peer = Secure(TlsSession::Side::kServer, std::move(theirs)); });
    auto end = Secure(TlsSession::Side::kClient, std::move(ours));
    there.join();
    EXPECT_TRUE(end.ok() && peer.ok()) << end.status() << peer.status();
    end_.emplace(*std::move(end));
    peer_ = std::make_unique<LinkPeer>(*std::move(peer));
  }
  // The actor system waits for the link, which ends with its peer.
  ~LinkTest() override { peer_.reset(); }

  CommandLinkHandle HostLink(LinkTimers timers = LinkTimers()) {
    return SpawnHostLink(actors_.system(), *std::move(end_), HostId(3), 7,
                         actors_.system().spawn(HostSink, heard_), timers);
  }
  EventLinkHandle NodeLink(LinkTimers timers = LinkTimers()) {
    return SpawnNodeLink(actors_.system(), *std::move(end_),
                         actors_.system().spawn(NodeSink, heard_), timers);
  }

  bool Ends(double seconds = 5) {
    return peer_->RunUntil([&] { return heard_->ended().has_value(); },
                           seconds);
  }

  std::shared_ptr<Heard> heard_ = std::make_shared<Heard>();
  ActorSystem actors_;
  std::optional<LinkSocket> end_;
  std::unique_ptr<LinkPeer> peer_;
};

TEST_P(LinkTest, CarriesManyEventsInOrder) {
  HostLink();
  constexpr int kCount = 3000;
  for (int i = 0; i < kCount; ++i) {
    peer_->Send(NodeEvent(LogEntryWritten{
        WorkerId(i), std::string(i % 100 == 0 ? 300000 : 1000, 'x')}));
  }
  ASSERT_TRUE(
      peer_->RunUntil([&] { return heard_->event_count() == kCount; }, 30));
  const auto events = heard_->events();
  for (int i = 0; i < kCount; ++i) {
    EXPECT_EQ(std::get<LogEntryWritten>(events[i]).worker, WorkerId(i));
  }
}

TEST_P(LinkTest, CarriesCommands) {
  const CommandLinkHandle link = HostLink();
  for (int i = 0; i < 100; ++i) {
    caf::anon_send(link, CommandMessage{RunTests{WorkerId(i), 1, {2}}, 0});
  }
  ASSERT_TRUE(peer_->RunUntil([&] { return peer_->received.size() == 100; }));
  const auto last = Decode<NodeCommand>(peer_->received.back().bytes);
  ASSERT_TRUE(last.ok());
  EXPECT_EQ(std::get<RunTests>(*last).worker, WorkerId(99));
}

TEST_P(LinkTest, CarriesWhatWasFramedForManyAmongOtherCommands) {
  const CommandLinkHandle link = HostLink();
  std::string text(300'000, '\0');
  for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i % 251);
  const auto framed = std::make_shared<FramedMessage>(Channel::kSync, text);
  constexpr int kCount = 100;
  for (int i = 0; i < kCount; ++i) {
    caf::anon_send(link, SendFramed{framed});
    caf::anon_send(link, CommandMessage{RunTests{WorkerId(i), 1, {2}}, 0});
  }
  int whole = 0;
  uint32_t commands = 0;
  ASSERT_TRUE(peer_->RunUntil(
      [&] {
        for (; !peer_->received.empty(); peer_->received.pop_front()) {
          const LinkMessage& message = peer_->received.front();
          if (message.channel == Channel::kSync) {
            whole += message.bytes == text ? 1 : 0;
            continue;
          }
          const auto command = Decode<NodeCommand>(message.bytes);
          EXPECT_EQ(std::get<RunTests>(*command).worker, WorkerId(commands++));
        }
        return whole == kCount && commands == kCount;
      },
      30))
      << whole << " " << commands;
}

TEST_P(LinkTest, KeepsWhatWasFramedNoLongerThanItTakes) {
  const CommandLinkHandle link = HostLink();
  auto framed = std::make_shared<const FramedMessage>(
      Channel::kSync, std::string(300'000, 'x'));
  const std::weak_ptr<const FramedMessage> kept = framed;
  caf::anon_send(link, SendFramed{std::move(framed)});
  ASSERT_TRUE(peer_->RunUntil([&] { return peer_->received.size() == 1; }));
  EXPECT_TRUE(peer_->RunUntil([&] { return kept.expired(); }));
}

TEST_P(LinkTest, AReaderThatDealsWithNothingIsSentAWindowOnly) {
  const CommandLinkHandle link = HostLink();
  peer_->consume = false;
  const auto framed = std::make_shared<FramedMessage>(
      Channel::kSync, std::string(300'000, 'x'));
  for (int i = 0; i < 100; ++i) caf::anon_send(link, SendFramed{framed});
  const size_t window = LinkSession::kWindow[1];
  EXPECT_FALSE(peer_->RunUntil(
      [&] { return peer_->received.size() * 300'000 > window; }, 1.5));
  EXPECT_EQ(peer_->received.size(), window / 300'000);
}

TEST_P(LinkTest, AGoodbyeIsNoLoss) {
  HostLink();
  peer_->Send(NodeEvent(WorkerFinished()));
  peer_->Close();
  ASSERT_TRUE(Ends());
  EXPECT_EQ(heard_->ended(), "");
  EXPECT_EQ(heard_->event_count(), 1u) << "what was said before counts";
}

TEST_P(LinkTest, ACutIsALossAfterWhatWasSaid) {
  HostLink();
  peer_->Send(NodeEvent(WorkerFinished()));
  peer_->RunUntil([&] { return heard_->event_count() == 1; });
  peer_->Cut();
  ASSERT_TRUE(Ends());
  EXPECT_EQ(heard_->ended(), "the node is gone");
}

TEST_P(LinkTest, NonsenseEndsTheLink) {
  HostLink();
  peer_->SendRaw("SSH-2.0-OpenSSH_9.2\r\n");
  ASSERT_TRUE(Ends());
  EXPECT_EQ(heard_->ended(), "the other end does not speak this protocol");
}

TEST_P(LinkTest, AMessageThatIsNoneEndsTheLinkOnce) {
  HostLink();
  peer_->Send(std::string("\xff\xff no event"));
  peer_->Send(std::string("\xff\xff no event"));
  ASSERT_TRUE(Ends());
  EXPECT_EQ(heard_->ended(), "malformed message on the link");
  EXPECT_EQ(heard_->ends(), 1);
}

TEST_P(LinkTest, SilenceEndsTheLink) {
  LinkTimers timers;
  timers.ping = absl::Milliseconds(50);
  timers.silent = absl::Milliseconds(400);
  HostLink(timers);
  peer_->RunUntil([] { return false; }, 1.0);
  EXPECT_FALSE(heard_->ended().has_value()) << "pings are answered";
  ASSERT_TRUE(heard_->EndsWithin(std::chrono::seconds(3)));
  EXPECT_TRUE(absl::StartsWith(*heard_->ended(), "silent"));
}

TEST_P(LinkTest, OutputThatNobodyReadsIsDroppedWithANoteAndHoldsUpNothing) {
  const EventLinkHandle link = NodeLink();
  peer_->consume = false;
  constexpr int kPieces = 300;
  const std::string piece(100000, 'x');
  for (int i = 0; i < kPieces; ++i) {
    caf::anon_send(link, EventMessage{OutputWritten{WorkerId(1), piece}});
  }
  caf::anon_send(link, EventMessage{WorkerFinished{WorkerId(1), 0, "", false}});
  bool finished = false;
  size_t bytes = 0;
  bool noted = false;
  const auto take = [&] {
    while (!peer_->received.empty()) {
      const auto event = Decode<NodeEvent>(peer_->received.front().bytes);
      peer_->received.pop_front();
      if (!event.ok()) continue;
      finished = finished || std::holds_alternative<WorkerFinished>(*event);
      if (const auto* output = std::get_if<OutputWritten>(&*event)) {
        bytes += output->bytes.size();
        noted = noted || absl::StrContains(output->bytes, "were dropped here");
      }
    }
  };
  ASSERT_TRUE(peer_->RunUntil([&] {
    take();
    return finished;
  }));
  EXPECT_LT(bytes, 1u << 20) << "the window of output";
}

TEST_P(LinkTest, SaysWhatWasDroppedThoughNoMoreOutputFollows) {
  const EventLinkHandle link = NodeLink();
  const std::string piece(100000, 'x');
  for (int i = 0; i < 300; ++i) {
    caf::anon_send(link, EventMessage{OutputWritten{WorkerId(1), piece}});
  }
  size_t bytes = 0;
  bool noted = false;
  EXPECT_TRUE(peer_->RunUntil([&] {
    for (; !peer_->received.empty(); peer_->received.pop_front()) {
      const auto event = Decode<NodeEvent>(peer_->received.front().bytes);
      const auto& output = std::get<OutputWritten>(*event);
      bytes += output.bytes.size();
      noted = noted || absl::StrContains(output.bytes, "were dropped here");
    }
    return noted || bytes >= 300 * piece.size();
  }));
}

TEST_P(LinkTest, ANodeSaysGoodbyeAfterItsLastWord) {
  const EventLinkHandle link = NodeLink();
  caf::anon_send(link, EventMessage{WorkerFinished()});
  caf::anon_send(link, CloseLink{});
  ASSERT_TRUE(peer_->RunUntil([&] { return peer_->peer_closed(); }));
  EXPECT_EQ(peer_->received.size(), 1u);
  // It may ping meanwhile: nothing may follow its goodbye.
  peer_->RunUntil([] { return false; }, 0.3);
  EXPECT_FALSE(peer_->ended());
}

TEST(LinkEndTest, AWriteThatFailsEndsTheLinkAndCostsNothingMore) {
  ActorSystem actors;
  const auto heard = std::make_shared<Heard>();
  OwnedFd theirs, ours;
  ASSERT_TRUE(MakeSocketPair(&theirs, &ours).ok());
  shutdown(theirs.get(), SHUT_RD);
  ASSERT_EQ(send(theirs.get(), "unread", 6, MSG_NOSIGNAL), 6);
  SpawnHostLink(actors.system(), ours.Release(), HostId(3), 7,
                actors.system().spawn(HostSink, heard), LinkTimers());
  ASSERT_TRUE(heard->EndsWithin(std::chrono::seconds(5)));
  const std::clock_t before = std::clock();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_LT(std::clock() - before, CLOCKS_PER_SEC / 10);
  char byte;
  EXPECT_LE(recv(theirs.get(), &byte, 1, MSG_DONTWAIT), 0);
  EXPECT_LT(send(theirs.get(), "x", 1, MSG_NOSIGNAL), 0) << "it is closed";
}

INSTANTIATE_TEST_SUITE_P(All, LinkTest, ::testing::Bool(),
                         [](const auto& info) {
                           return info.param ? "Secured" : "Plain";
                         });

}  // namespace
}  // namespace dist
