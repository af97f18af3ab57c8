#include "core/wire/link_session.h"

#include <gtest/gtest.h>

#include <random>

#include "core/model/node_messages.h"
#include "core/wire/codec.h"
#include "tests/support/link_bytes.h"

namespace dist {
namespace {

constexpr size_t kNoLimit = size_t{1} << 30;

class LinkSessionTest : public ::testing::Test {
 protected:
  // Carries what `from` may send to `to`, in pieces of `piece` bytes.
  void Carry(LinkSession& from, LinkSession& to, size_t piece = kNoLimit) {
    std::string bytes;
    TakeBytes(&from, kNoLimit, &bytes);
    for (size_t i = 0; i < bytes.size(); i += piece) {
      const absl::Status status = to.Receive(
          absl::string_view(bytes).substr(i, piece), now_, &received_);
      ASSERT_TRUE(status.ok()) << status;
    }
  }

  void ConsumeAll(LinkSession& at) {
    for (const LinkMessage& m : received_) {
      at.Consume(m.channel, m.cost);
    }
  }

  absl::Time now_ = absl::FromUnixSeconds(1000);
  LinkSession a_{LinkTimers(), now_};
  LinkSession b_{LinkTimers(), now_};
  std::vector<LinkMessage> received_;
};

TEST_F(LinkSessionTest, DeliversMessagesInOrderInPiecesOfAnySize) {
  for (const size_t piece : {size_t{1}, size_t{3}, size_t{1000}}) {
    SCOPED_TRACE(piece);
    received_.clear();
    LinkSession a(LinkTimers(), now_), b(LinkTimers(), now_);
    a.Send(Channel::kControl, "one");
    a.Send(Channel::kControl, "");
    a.Send(Channel::kControl, std::string(200000, 'x'));
    Carry(a, b, piece);
    ASSERT_EQ(received_.size(), 3u);
    EXPECT_EQ(received_[0].bytes, "one");
    EXPECT_EQ(received_[1].bytes, "");
    EXPECT_EQ(received_[2].bytes, std::string(200000, 'x'));
  }
}

TEST_F(LinkSessionTest, WritesWhatTheDocumentSays) {
  std::string hello;
  TakeBytes(&a_, kNoLimit, &hello);
  EXPECT_EQ(hello, std::string("\x0b\0\0\0dist-link-1", 15));
  a_.Send(Channel::kControl,
          Encode(NodeEvent(WorkerFinished{WorkerId(5), -1, "no", true})));
  std::string bytes;
  TakeBytes(&a_, kNoLimit, &bytes);
  EXPECT_EQ(bytes, std::string("\x07\0\x02\0\x0c\x05\x01\x02no\x01", 11));
}

TEST_F(LinkSessionTest, ControlGoesBeforeOutput) {
  a_.Send(Channel::kOutput, "noise");
  a_.Send(Channel::kControl, "order");
  Carry(a_, b_);
  ASSERT_EQ(received_.size(), 2u);
  EXPECT_EQ(received_[0].bytes, "order");
}

TEST_F(LinkSessionTest, StopsAtTheWindowAndGoesOnWhenItIsConsumed) {
  const std::string chunk(60000, 'x');
  for (int i = 0; i < 10; ++i) a_.Send(Channel::kOutput, chunk);
  Carry(a_, b_);
  EXPECT_LT(received_.size(), 5u) << "256 KiB are granted at first";
  EXPECT_GT(a_.queued(), 0u);
  a_.Send(Channel::kControl, "passes");
  Carry(a_, b_);
  EXPECT_EQ(received_.back().bytes, "passes") << "channels do not block others";
  for (int round = 0; round < 10; ++round) {
    ConsumeAll(b_);
    received_.clear();
    Carry(b_, a_);
    Carry(a_, b_);
  }
  EXPECT_EQ(a_.queued(), 0u);
}

TEST_F(LinkSessionTest, AMessageLongerThanTheWindowGetsThrough) {
  a_.Send(Channel::kControl, std::string(5u << 20, 'x'));
  for (int i = 0; i < 20 && received_.empty(); ++i) {
    Carry(a_, b_);
    Carry(b_, a_);
  }
  ASSERT_EQ(received_.size(), 1u);
  EXPECT_EQ(received_[0].bytes.size(), 5u << 20);
}

TEST_F(LinkSessionTest, FramedMessagesAreTheSameOnTheLink) {
  for (const size_t size : {size_t{0}, size_t{5}, size_t{5000}, kMaxPayload,
                            kMaxPayload + 1, 2 * kMaxPayload, size_t{200000}}) {
    SCOPED_TRACE(size);
    std::string text(size, 'x');
    for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i % 251);
    LinkSession other(LinkTimers(), now_), framing(LinkTimers(), now_);
    other.Send(Channel::kSync, text);
    framing.Send(std::make_shared<FramedMessage>(Channel::kSync, text));
    EXPECT_EQ(framing.queued(), size);
    std::string expected, bytes;
    TakeBytes(&other, kNoLimit, &expected);
    TakeBytes(&framing, kNoLimit, &bytes);
    EXPECT_EQ(bytes, expected);
    EXPECT_EQ(framing.queued(), 0u);
  }
}

TEST_F(LinkSessionTest, AFramedMessageIsSentByManyWithoutACopy) {
  const auto message =
      std::make_shared<FramedMessage>(Channel::kSync, std::string(250000, 'x'));
  LinkOutput outputs[2];
  for (LinkOutput& output : outputs) {
    LinkSession session(LinkTimers(), now_);
    session.Send(message);
    session.TakeOutput(kNoLimit, &output);
    ASSERT_EQ(output.pieces(), 2u) << "a hello, and the message";
    EXPECT_EQ(output.piece(1).data(), message->frames().data());
    EXPECT_EQ(output.piece(1).size(), message->frames().size());
  }
  EXPECT_EQ(message.use_count(), 3);
  outputs[0].Drop(outputs[0].size() - 1);
  EXPECT_EQ(message.use_count(), 3);
  outputs[0].Drop(1);
  EXPECT_EQ(message.use_count(), 2) << "kept no longer than it takes";
}

TEST_F(LinkSessionTest, FramedMessagesKeepToWindowLimitAndOrder) {
  const auto message = std::make_shared<FramedMessage>(
      Channel::kOutput, std::string(200000, 'x'));
  for (int i = 0; i < 5; ++i) a_.Send(message);
  std::string hello;
  TakeBytes(&a_, 1, &hello);
  std::string bytes;
  TakeBytes(&a_, 1, &bytes);
  EXPECT_EQ(bytes.size(), kFrameHeader + kMaxPayload) << "a frame at a time";
  a_.Send(Channel::kControl, "passes");
  TakeBytes(&a_, kNoLimit, &bytes);
  ASSERT_TRUE(b_.Receive(hello + bytes, now_, &received_).ok());
  ASSERT_EQ(received_.size(), 2u);
  EXPECT_EQ(received_[0].bytes, "passes");
  for (int round = 0; round < 10; ++round) {
    for (const LinkMessage& m : received_) b_.Consume(m.channel, m.cost);
    received_.clear();
    Carry(b_, a_);
    Carry(a_, b_);
  }
  EXPECT_EQ(a_.queued(), 0u);
}

TEST_F(LinkSessionTest, AFramedMessageLongerThanTheWindowGetsThrough) {
  for (const Channel channel :
       {Channel::kControl, Channel::kSync, Channel::kOutput}) {
    LinkSession from(LinkTimers(), now_), to(LinkTimers(), now_);
    // What is not yet granted again must not be what a frame lacks.
    from.Send(channel, std::string(65535, 'y'));
    from.Send(
        std::make_shared<FramedMessage>(channel, std::string(20u << 20, 'x')));
    received_.clear();
    for (int i = 0; i < 2000 && received_.size() < 2; ++i) {
      Carry(from, to);
      if (received_.size() == 1) {
        to.Consume(received_[0].channel, received_[0].cost);
        received_[0].cost = 0;
      }
      Carry(to, from);
    }
    ASSERT_EQ(received_.size(), 2u);
    EXPECT_EQ(received_[1].bytes.size(), 20u << 20);
  }
}

TEST_F(LinkSessionTest, RefusesAPeerThatIgnoresItsCredit) {
  std::string bytes;
  TakeBytes(&a_, kNoLimit, &bytes);
  const std::string payload(kMaxPayload, 'x');
  for (int i = 0; i < 5; ++i) {
    AppendFrame({FrameKind::kLast, Channel::kOutput, payload}, &bytes);
  }
  EXPECT_FALSE(b_.Receive(bytes, now_, &received_).ok());
}

TEST_F(LinkSessionTest, RefusesAStrangerAtOnce) {
  for (const std::string& words :
       {std::string("SSH-2.0-OpenSSH_9.2\r\n"),
        std::string("GET / HTTP/1.1\r\n"), std::string("\x03\0\0\0abc", 7)}) {
    LinkSession fresh(LinkTimers(), now_);
    EXPECT_FALSE(fresh.Receive(words, now_, &received_).ok()) << words;
  }
}

TEST_F(LinkSessionTest, NoticesSilence) {
  Carry(a_, b_);
  EXPECT_TRUE(b_.Tick(now_ + absl::Seconds(29)).ok());
  EXPECT_EQ(b_.Tick(now_ + absl::Seconds(30)).code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST_F(LinkSessionTest, ACoordinatorNoticesANodeThatIsStopped) {
  Carry(a_, b_);
  Carry(b_, a_);
  absl::Status status;
  int second = 0;
  for (; status.ok() && second < 100; ++second) {
    now_ += absl::Seconds(1);
    status = a_.Tick(now_);
    std::string unread;  // Nobody is there to read it.
    TakeBytes(&a_, kNoLimit, &unread);
  }
  EXPECT_EQ(second, 30);
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(LinkSessionTest, WhoWasStoppedItselfJudgesNobodyUntilItHasRead) {
  Carry(a_, b_);
  EXPECT_TRUE(b_.Tick(now_).ok());
  now_ += absl::Seconds(60);
  EXPECT_TRUE(b_.Tick(now_).ok()) << "what came meanwhile is not read yet";
  now_ += absl::Seconds(1);
  EXPECT_FALSE(b_.Tick(now_).ok()) << "nothing did";
}

TEST_F(LinkSessionTest, NoticesAPeerThatNeverSaysHello) {
  absl::Status status;
  for (int second = 0; second < 30; ++second) {
    EXPECT_TRUE(status.ok()) << second;
    now_ += absl::Seconds(1);
    // One byte now and then is not silence, but no hello either.
    const std::string byte =
        second < 4 ? std::string("\x0b\0\0\0", 4).substr(second, 1) : "d";
    if (second % 5 == 0 || second < 4)
      a_.Receive(byte, now_, &received_).IgnoreError();
    status = a_.Tick(now_);
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(LinkSessionTest, SaysNothingAfterItsGoodbye) {
  Carry(a_, b_);
  b_.Send(Channel::kControl, std::string(800000, 'x'));
  Carry(b_, a_);
  a_.Close();
  Carry(a_, b_);
  ConsumeAll(a_);  // Would grant a window.
  std::string bytes;
  AppendFrame({FrameKind::kPing, Channel::kControl, ""}, &bytes);
  ASSERT_TRUE(a_.Receive(bytes, now_, &received_).ok());
  ASSERT_TRUE(a_.Tick(now_ + absl::Seconds(5)).ok());
  std::string out;
  TakeBytes(&a_, kNoLimit, &out);
  EXPECT_EQ(out, "");
}

TEST_F(LinkSessionTest, LongMessagesGrantNoMoreThanTheyTook) {
  // A consumer that is slower than the sender must hold no more than a window.
  const std::string message(100000, 'x');  // Two frames.
  for (int i = 0; i < 200; ++i) a_.Send(Channel::kOutput, message);
  size_t held = 0;
  for (int i = 0; i < 200; ++i) {
    Carry(a_, b_);
    held = 0;
    for (const LinkMessage& m : received_) held += m.bytes.size();
    ASSERT_LE(held, LinkSession::kWindow[1]) << i;
    ASSERT_FALSE(received_.empty()) << i;
    b_.Consume(Channel::kOutput, received_.front().cost);
    received_.erase(received_.begin());
    Carry(b_, a_);
  }
  EXPECT_EQ(a_.queued(), 0u);
}

TEST_F(LinkSessionTest, PingsKeepAnIdleLinkAlive) {
  for (int second = 0; second < 120; ++second) {
    now_ += absl::Seconds(1);
    ASSERT_TRUE(a_.Tick(now_).ok()) << second;
    ASSERT_TRUE(b_.Tick(now_).ok()) << second;
    Carry(a_, b_);
    Carry(b_, a_);
  }
}

TEST_F(LinkSessionTest, SaysGoodbyeAfterWhatIsQueued) {
  a_.Send(Channel::kControl, "last words");
  a_.Close();
  a_.Send(Channel::kControl, "too late");
  Carry(a_, b_);
  ASSERT_EQ(received_.size(), 1u);
  EXPECT_TRUE(b_.peer_closed());
  EXPECT_TRUE(a_.closed());
}

TEST_F(LinkSessionTest, SurvivesAnyBytes) {
  std::mt19937 random(1);
  std::string hello;
  TakeBytes(&a_, kNoLimit, &hello);
  for (int round = 0; round < 2000; ++round) {
    LinkSession fresh(LinkTimers(), now_);
    std::string bytes = hello;
    for (int i = 0; i < 40; ++i) {
      bytes.push_back(static_cast<char>(random() % 7));
    }
    received_.clear();
    fresh.Receive(bytes, now_, &received_).IgnoreError();
  }
}

}  // namespace
}  // namespace dist
