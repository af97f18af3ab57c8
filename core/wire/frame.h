// Frames: the unit in which bytes cross a link (docs/link.md).
//
//   frame := length:u16le kind:u8 channel:u8 payload
//
// The header is 4 bytes: the payload's length (0 to 65,535), a kind and a
// channel. So a peer can never announce more than one frame's worth of memory.
#ifndef DIST_CORE_WIRE_FRAME_H_
#define DIST_CORE_WIRE_FRAME_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace dist {

// What flows beside what. Lower numbers go first.
enum class Channel : uint8_t { kControl = 0, kSync = 1, kOutput = 2 };
inline constexpr int kChannelCount = 3;

enum class FrameKind : uint8_t {
  kHello = 0,   // Magic and version; the first frame of each side.
  kPart = 1,    // Part of a message; more follows on this channel.
  kLast = 2,    // The last (or only) part of a message.
  kWindow = 3,  // Payload: u32le, bytes that the peer may send more.
  kPing = 4,    // "Are you there?" Answered by kPong.
  kPong = 5,
  kGoodbye = 6,  // The link ends in order; nothing follows.
};

inline constexpr size_t kFrameHeader = 4;
inline constexpr size_t kMaxPayload = 65535;

struct Frame {
  FrameKind kind = FrameKind::kPing;
  Channel channel = Channel::kControl;
  absl::string_view payload;
};

// Appends one frame. `Bytes`: a string, or a vector of char. REQUIRES:
// payload.size() <= kMaxPayload.
template <class Bytes>
void AppendFrame(const Frame& frame, Bytes* out) {
  const size_t size = frame.payload.size();
  const char header[kFrameHeader] = {
      static_cast<char>(size & 0xff), static_cast<char>(size >> 8),
      static_cast<char>(frame.kind), static_cast<char>(frame.channel)};
  out->insert(out->end(), header, header + kFrameHeader);
  out->insert(out->end(), frame.payload.data(), frame.payload.data() + size);
}

// A message that many links carry, as frames that are made once. Immutable, so
// threads share it.
class FramedMessage {
 public:
  FramedMessage(Channel channel, absl::string_view message);

  Channel channel() const { return channel_; }
  // Of the message, without headers.
  size_t size() const { return size_; }
  // One frame after another, each but the last with kMaxPayload bytes.
  absl::string_view frames() const { return frames_; }

 private:
  const Channel channel_;
  const size_t size_;
  std::string frames_;
};
using SharedMessage = std::shared_ptr<const FramedMessage>;

// Cuts a byte stream into frames.
class FrameReader {
 public:
  // Adds what the stream delivered, in pieces of any size.
  void Feed(absl::string_view bytes) {
    buffer_.append(bytes.data(), bytes.size());
  }

  // Takes the next frame: true if there is one. Its payload stays valid until
  // the next call of Feed(). An error is final: nothing after it can be
  // trusted.
  absl::StatusOr<bool> Next(Frame* frame);

  // Forgets the frames taken so far. Call it before Feed().
  void Compact();

 private:
  std::string buffer_;
  size_t taken_ = 0;
  bool broken_ = false;
};

}  // namespace dist

#endif  // DIST_CORE_WIRE_FRAME_H_
