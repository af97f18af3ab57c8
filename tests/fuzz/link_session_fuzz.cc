// Property: whatever a peer sends after its hello, and whatever our side does
// meanwhile, a session's memory is bounded by the windows, and what it says is
// frames of the protocol with nothing after the goodbye.
//
// The input is a script: a byte says what to do, the next how much of it.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/wire/link_session.h"
#include "tests/support/link_bytes.h"

namespace {

using dist::Channel;
using dist::LinkSession;

void Check(bool holds) {
  if (!holds) std::abort();
}

class Run {
 public:
  void Step(uint8_t what, uint8_t amount, absl::string_view* rest) {
    switch (what % 8) {
      case 0:
      case 1: {
        const absl::string_view bytes = rest->substr(0, amount);
        rest->remove_prefix(bytes.size());
        Receive(bytes);
        break;
      }
      case 2:
        ReceiveData(amount);
        break;
      case 3:
        Send(amount);
        break;
      case 4:
        Consume(amount);
        break;
      case 5:
        now_ += absl::Milliseconds(100 * amount);
        dead_ = dead_ || !session_.Tick(now_).ok();
        break;
      case 6:
        TakeOutput(size_t{amount} << 8);
        break;
      case 7:
        session_.Close();
        break;
    }
    CheckWindows();
  }

  bool dead() const { return dead_; }

  void TakeOutput(size_t limit) {
    std::string out;
    dist::TakeBytes(&session_, limit, &out);
    Check(out.size() <= limit + 4 * dist::kMaxPayload);
    reader_.Compact();
    reader_.Feed(out);
    dist::Frame frame;
    while (true) {
      const auto more = reader_.Next(&frame);
      Check(more.ok());
      if (!*more) break;
      Check(!said_goodbye_);
      said_goodbye_ = frame.kind == dist::FrameKind::kGoodbye;
    }
  }

 private:
  void Receive(absl::string_view bytes) {
    std::vector<dist::LinkMessage> messages;
    dead_ = !session_.Receive(bytes, now_, &messages).ok();
    for (const dist::LinkMessage& message : messages) {
      Check(message.cost <= message.bytes.size());
      Check(message.bytes.size() <= LinkSession::kMaxMessage);
      unconsumed_.push_back({message.channel, message.cost});
    }
  }

  // A large part: many of them would take the fuzzer too long to find.
  void ReceiveData(uint8_t amount) {
    const std::string payload((amount & 0x3f) * 1024 + 1, 'x');
    std::string bytes;
    dist::AppendFrame(
        {amount & 0x40 ? dist::FrameKind::kLast : dist::FrameKind::kPart,
         amount & 0x80 ? Channel::kOutput : Channel::kControl, payload},
        &bytes);
    Receive(bytes);
  }

  void Send(uint8_t amount) {
    const Channel channel = amount & 1 ? Channel::kOutput : Channel::kControl;
    std::string message(size_t{amount} << 10, 'y');
    if (amount & 2) {
      session_.Send(std::make_shared<dist::FramedMessage>(channel, message));
    } else {
      session_.Send(channel, std::move(message));
    }
  }

  void Consume(uint8_t amount) {
    for (; amount > 0 && !unconsumed_.empty(); --amount) {
      session_.Consume(unconsumed_.front().first, unconsumed_.front().second);
      unconsumed_.pop_front();
    }
  }

  void CheckWindows() const {
    std::array<size_t, dist::kChannelCount> held = {};
    for (const auto& [channel, cost] : unconsumed_) {
      held[static_cast<size_t>(channel)] += cost;
    }
    for (int i = 0; i < dist::kChannelCount; ++i) {
      Check(held[i] <= LinkSession::kWindow[i]);
    }
  }

  absl::Time now_ = absl::FromUnixSeconds(1000);
  LinkSession session_{dist::LinkTimers(), now_};
  dist::FrameReader reader_;  // Of what the session says.
  std::deque<std::pair<Channel, size_t>> unconsumed_;
  bool said_goodbye_ = false;
  bool dead_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  absl::string_view rest(reinterpret_cast<const char*>(data), size);
  Run run;
  std::string hello;
  LinkSession fresh(dist::LinkTimers(), absl::UnixEpoch());
  dist::TakeBytes(&fresh, 1000, &hello);
  absl::string_view first = hello;
  run.Step(0, static_cast<uint8_t>(hello.size()), &first);
  Check(!run.dead());
  while (rest.size() >= 2 && !run.dead()) {
    const auto what = static_cast<uint8_t>(rest[0]);
    const auto amount = static_cast<uint8_t>(rest[1]);
    rest.remove_prefix(2);
    run.Step(what, amount, &rest);
  }
  run.TakeOutput(1 << 20);
  return 0;
}
