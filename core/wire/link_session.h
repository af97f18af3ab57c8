// One end of a link, without the I/O: messages in, bytes out, and back.
//
// Splits messages into frames, keeps each channel inside the credit that the
// peer gave, lets the control channel go first, and judges by the clock that it
// is told whether the peer still lives. Used by the link actors of both sides;
// pure, so that every fault of a link can be tested without one.
#ifndef DIST_CORE_WIRE_LINK_SESSION_H_
#define DIST_CORE_WIRE_LINK_SESSION_H_

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/wire/frame.h"
#include "core/wire/link_output.h"

namespace dist {

struct LinkTimers {
  absl::Duration ping = absl::Seconds(2);
  absl::Duration silent = absl::Seconds(30);  // Then the peer counts as lost.
};

struct LinkMessage {
  Channel channel = Channel::kControl;
  std::string bytes;
  size_t cost = 0;  // What the receiver must Consume().
};

class LinkSession {
 public:
  // Bytes in flight that each side grants at first, by channel.
  static constexpr std::array<uint32_t, kChannelCount> kWindow = {
      1u << 20, 8u << 20, 1u << 18};
  // A longer message ends the link.
  static constexpr size_t kMaxMessage = size_t{64} << 20;

  LinkSession(LinkTimers timers, absl::Time now);

  // Queues a message for the peer.
  void Send(Channel channel, std::string message);
  void Send(SharedMessage message);

  // Says goodbye after what is queued.
  void Close();

  // Takes bytes from the peer; appends complete messages to `messages`. The
  // caller must Consume() their cost when it is done with them. An error means
  // that the link must be closed.
  absl::Status Receive(absl::string_view bytes, absl::Time now,
                       std::vector<LinkMessage>* messages);

  // Gives the peer credit for `bytes` of messages on `channel`.
  void Consume(Channel channel, size_t bytes);

  // Pings when it is time. Error kDeadlineExceeded: the peer has been silent
  // for too long, or has not said hello. Call it about once a second: a call
  // that comes late (this process was stopped) judges nobody, since what the
  // peer sent meanwhile has not been read yet.
  absl::Status Tick(absl::Time now);

  // Appends up to about `limit` bytes to write to the peer. Ends below that
  // when nothing may be sent now.
  void TakeOutput(size_t limit, LinkOutput* out);

  // Bytes queued by Send() and not yet taken.
  size_t queued() const { return queued_; }
  // The peer said goodbye.
  bool peer_closed() const { return peer_closed_; }
  // Our goodbye has been taken by TakeOutput().
  bool closed() const { return goodbye_ == Goodbye::kSent; }
  absl::Duration SilentFor(absl::Time now) const { return now - last_heard_; }

 private:
  enum class Goodbye { kNone, kWanted, kSent };

  struct Message {
    size_t size() const { return framed ? framed->size() : own.size(); }
    std::string own;
    SharedMessage framed;  // Not null: this instead.
  };
  struct Outgoing {
    std::deque<Message> messages;
    size_t sent = 0;  // Of the first message.
    uint64_t credit = 0;
  };
  struct Incoming {
    std::string partial;
    uint64_t held = 0;      // Of partial, not yet granted again.
    uint64_t credit = 0;    // What the peer may still send.
    uint64_t consumed = 0;  // Not yet granted again.
  };

  absl::Status OnFrame(const Frame& frame, std::vector<LinkMessage>* messages);
  absl::Status OnPart(const Frame& frame, std::vector<LinkMessage>* messages);
  absl::Status OnWindow(const Frame& frame);
  // Takes the next frame that may go, or a few of a framed message, up to about
  // `limit` bytes; false if none may go now.
  bool TakePart(size_t limit, LinkOutput* out);
  static size_t TakeFrame(const Outgoing& queue, Channel channel,
                          LinkOutput* out);
  static size_t TakeFrames(const Outgoing& queue, size_t limit,
                           LinkOutput* out);
  bool Empty() const;

  const LinkTimers timers_;
  FrameReader reader_;
  std::string urgent_;  // Frames that need no credit, ready to go.
  std::array<Outgoing, kChannelCount> outgoing_;
  std::array<Incoming, kChannelCount> incoming_;
  size_t queued_ = 0;
  const absl::Time started_;
  absl::Time last_tick_;
  absl::Time last_heard_;
  absl::Time last_ping_;
  bool greeted_ = false;
  bool peer_closed_ = false;
  Goodbye goodbye_ = Goodbye::kNone;
};

}  // namespace dist

#endif  // DIST_CORE_WIRE_LINK_SESSION_H_
