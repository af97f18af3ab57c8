#include "core/wire/frame.h"

namespace dist {

FramedMessage::FramedMessage(Channel channel, absl::string_view message)
    : channel_(channel), size_(message.size()) {
  frames_.reserve(size_ + (size_ / kMaxPayload + 1) * kFrameHeader);
  while (message.size() > kMaxPayload) {
    AppendFrame({FrameKind::kPart, channel, message.substr(0, kMaxPayload)},
                &frames_);
    message.remove_prefix(kMaxPayload);
  }
  AppendFrame({FrameKind::kLast, channel, message}, &frames_);
}

absl::StatusOr<bool> FrameReader::Next(Frame* frame) {
  if (broken_) return absl::DataLossError("the link is broken");
  const absl::string_view rest = absl::string_view(buffer_).substr(taken_);
  if (rest.size() < kFrameHeader) return false;
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(rest[i]); };
  const size_t size = byte(0) | (size_t{byte(1)} << 8);
  if (byte(2) > static_cast<uint8_t>(FrameKind::kGoodbye) ||
      byte(3) >= kChannelCount) {
    broken_ = true;
    return absl::DataLossError("not a frame of this protocol");
  }
  if (rest.size() < kFrameHeader + size) return false;
  frame->kind = static_cast<FrameKind>(byte(2));
  frame->channel = static_cast<Channel>(byte(3));
  frame->payload = rest.substr(kFrameHeader, size);
  taken_ += kFrameHeader + size;
  return true;
}

void FrameReader::Compact() {
  buffer_.erase(0, taken_);
  taken_ = 0;
}

}  // namespace dist
