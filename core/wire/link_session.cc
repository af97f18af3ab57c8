#include "core/wire/link_session.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace dist {
namespace {

// A fresh session's first frame. The number changes with the format.
constexpr absl::string_view kHello = "dist-link-1";

absl::Status Stranger() {
  return absl::DataLossError("the other end does not speak this protocol");
}

}  // namespace

LinkSession::LinkSession(LinkTimers timers, absl::Time now)
    : timers_(timers),
      started_(now),
      last_tick_(now),
      last_heard_(now),
      last_ping_(now) {
  for (int i = 0; i < kChannelCount; ++i) {
    outgoing_[i].credit = kWindow[i];
    incoming_[i].credit = kWindow[i];
  }
  AppendFrame({FrameKind::kHello, Channel::kControl, kHello}, &urgent_);
}

void LinkSession::Send(Channel channel, std::string message) {
  if (goodbye_ != Goodbye::kNone) return;
  queued_ += message.size();
  outgoing_[static_cast<size_t>(channel)].messages.push_back(
      {std::move(message), nullptr});
}

void LinkSession::Send(SharedMessage message) {
  if (goodbye_ != Goodbye::kNone) return;
  queued_ += message->size();
  outgoing_[static_cast<size_t>(message->channel())].messages.push_back(
      {"", std::move(message)});
}

void LinkSession::Close() {
  if (goodbye_ == Goodbye::kNone) goodbye_ = Goodbye::kWanted;
}

absl::Status LinkSession::Receive(absl::string_view bytes, absl::Time now,
                                  std::vector<LinkMessage>* messages) {
  last_heard_ = now;
  reader_.Feed(bytes);
  Frame frame;
  while (true) {
    const absl::StatusOr<bool> more = reader_.Next(&frame);
    if (!more.ok()) return greeted_ ? more.status() : Stranger();
    if (!*more) break;
    DIST_RETURN_IF_ERROR(OnFrame(frame, messages));
  }
  reader_.Compact();
  return absl::OkStatus();
}

absl::Status LinkSession::OnFrame(const Frame& frame,
                                  std::vector<LinkMessage>* messages) {
  if (!greeted_) {
    if (frame.kind != FrameKind::kHello || frame.payload != kHello) {
      return Stranger();
    }
    greeted_ = true;
    return absl::OkStatus();
  }
  if (peer_closed_) return absl::DataLossError("bytes after the goodbye");
  switch (frame.kind) {
    case FrameKind::kPart:
    case FrameKind::kLast:
      return OnPart(frame, messages);
    case FrameKind::kWindow:
      return OnWindow(frame);
    case FrameKind::kPing:
      // An unread flood of pings must not grow our buffer.
      if (urgent_.size() < kMaxPayload) {
        AppendFrame({FrameKind::kPong, Channel::kControl, ""}, &urgent_);
      }
      return absl::OkStatus();
    case FrameKind::kPong:
      return absl::OkStatus();
    case FrameKind::kGoodbye:
      peer_closed_ = true;
      return absl::OkStatus();
    case FrameKind::kHello:
      break;
  }
  return absl::DataLossError("unexpected frame");
}

absl::Status LinkSession::OnPart(const Frame& frame,
                                 std::vector<LinkMessage>* messages) {
  Incoming& in = incoming_[static_cast<size_t>(frame.channel)];
  if (frame.payload.size() > in.credit) {
    return absl::DataLossError("the other end sent more than its credit");
  }
  in.credit -= frame.payload.size();
  if (in.partial.size() + frame.payload.size() > kMaxMessage) {
    return absl::DataLossError("a message is longer than 64 MiB");
  }
  in.partial.append(frame.payload.data(), frame.payload.size());
  in.held += frame.payload.size();
  if (frame.kind == FrameKind::kPart) {
    // A message longer than the window must still get through: what exceeds
    // half of it is credited as it comes, and kMaxMessage bounds the rest.
    const uint64_t half = kWindow[static_cast<size_t>(frame.channel)] / 2;
    if (in.held > half) {
      const uint64_t more = in.held - half;
      in.held = half;
      Consume(frame.channel, more);
    }
    return absl::OkStatus();
  }
  messages->push_back({frame.channel, std::exchange(in.partial, {}),
                       std::exchange(in.held, 0)});
  return absl::OkStatus();
}

absl::Status LinkSession::OnWindow(const Frame& frame) {
  if (frame.payload.size() != 4) {
    return absl::DataLossError("malformed window frame");
  }
  uint64_t more = 0;
  for (int i = 3; i >= 0; --i) {
    more = (more << 8) | static_cast<uint8_t>(frame.payload[i]);
  }
  Outgoing& out = outgoing_[static_cast<size_t>(frame.channel)];
  out.credit += more;
  if (out.credit > kWindow[static_cast<size_t>(frame.channel)]) {
    return absl::DataLossError("the other end granted more than its window");
  }
  return absl::OkStatus();
}

void LinkSession::Consume(Channel channel, size_t bytes) {
  const auto i = static_cast<size_t>(channel);
  Incoming& in = incoming_[i];
  // What was in flight bounds what can be given back.
  in.consumed = std::min<uint64_t>(in.consumed + bytes, kWindow[i] - in.credit);
  if (in.consumed < kWindow[i] / 4) return;
  const auto more = static_cast<uint32_t>(in.consumed);
  const char payload[4] = {
      static_cast<char>(more & 0xff), static_cast<char>(more >> 8 & 0xff),
      static_cast<char>(more >> 16 & 0xff), static_cast<char>(more >> 24)};
  AppendFrame({FrameKind::kWindow, channel, absl::string_view(payload, 4)},
              &urgent_);
  in.credit += in.consumed;
  in.consumed = 0;
}

absl::Status LinkSession::Tick(absl::Time now) {
  const bool late = now - last_tick_ > timers_.silent / 4;
  last_tick_ = now;
  if (!late && !greeted_ && now - started_ >= timers_.silent) {
    return absl::DeadlineExceededError("the other end does not say hello");
  }
  if (!late && SilentFor(now) >= timers_.silent) {
    return absl::DeadlineExceededError(absl::StrCat(
        "silent for ", absl::ToInt64Seconds(SilentFor(now)), " s"));
  }
  if (now - last_ping_ >= timers_.ping) {
    last_ping_ = now;
    if (urgent_.size() < kMaxPayload && goodbye_ == Goodbye::kNone) {
      AppendFrame({FrameKind::kPing, Channel::kControl, ""}, &urgent_);
    }
  }
  return absl::OkStatus();
}

// The next frame of a message that is this session's own. Returns how much of
// the message is in it.
size_t LinkSession::TakeFrame(const Outgoing& queue, Channel channel,
                              LinkOutput* out) {
  const absl::string_view rest =
      absl::string_view(queue.messages.front().own).substr(queue.sent);
  const size_t size =
      std::min<uint64_t>({rest.size(), kMaxPayload, queue.credit});
  const bool last = size == rest.size();
  if (size == 0 && !last) return 0;
  out->Add({last ? FrameKind::kLast : FrameKind::kPart, channel,
            rest.substr(0, size)});
  return size;
}

// Likewise some frames of a framed message. They cannot be cut, so there has to
// be credit for a whole one; every window is larger, by more than what a
// receiver may keep back.
size_t LinkSession::TakeFrames(const Outgoing& queue, size_t limit,
                               LinkOutput* out) {
  const SharedMessage& message = queue.messages.front().framed;
  const size_t begin = queue.sent / kMaxPayload * (kMaxPayload + kFrameHeader);
  const size_t left = message->size() - queue.sent;
  size_t size = std::min(left, kMaxPayload);
  if (size > queue.credit) return 0;
  while (size < left && size < limit) {
    const size_t more = std::min(left - size, kMaxPayload);
    if (size + more > queue.credit) break;
    size += more;
  }
  const size_t frames =
      std::max<size_t>(1, (size + kMaxPayload - 1) / kMaxPayload);
  out->Share(message, begin, size + frames * kFrameHeader);
  return size;
}

bool LinkSession::TakePart(size_t limit, LinkOutput* out) {
  for (int i = 0; i < kChannelCount; ++i) {
    Outgoing& queue = outgoing_[i];
    if (queue.messages.empty()) continue;
    const Message& message = queue.messages.front();
    const size_t before = out->size();
    const size_t size = message.framed
                            ? TakeFrames(queue, limit, out)
                            : TakeFrame(queue, static_cast<Channel>(i), out);
    if (out->size() == before) continue;  // No credit on this channel.
    queue.credit -= size;
    queue.sent += size;
    queued_ -= size;
    if (queue.sent == message.size()) {
      queue.messages.pop_front();
      queue.sent = 0;
    }
    return true;
  }
  return false;
}

bool LinkSession::Empty() const {
  return std::all_of(outgoing_.begin(), outgoing_.end(),
                     [](const Outgoing& out) { return out.messages.empty(); });
}

void LinkSession::TakeOutput(size_t limit, LinkOutput* out) {
  // Nothing follows the goodbye.
  if (goodbye_ == Goodbye::kSent) return;
  const size_t end = out->size() + limit;
  out->Add(urgent_);
  urgent_.clear();
  while (out->size() < end && TakePart(end - out->size(), out)) {
  }
  if (goodbye_ == Goodbye::kWanted && Empty()) {
    out->Add({FrameKind::kGoodbye, Channel::kControl, ""});
    goodbye_ = Goodbye::kSent;
  }
}

}  // namespace dist
