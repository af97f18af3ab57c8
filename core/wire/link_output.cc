#include "core/wire/link_output.h"

#include <algorithm>

namespace dist {
namespace {

// To write a piece costs more than to copy so few bytes.
constexpr size_t kCopied = 4 << 10;
// Bytes that were sent are only forgotten with their piece.
constexpr size_t kMaxOwn = 64 << 10;

}  // namespace

std::string* LinkOutput::Tail() {
  if (pieces_.empty() || pieces_.back().shared != nullptr ||
      pieces_.back().own.size() >= kMaxOwn) {
    pieces_.emplace_back();
  }
  return &pieces_.back().own;
}

void LinkOutput::Add(absl::string_view bytes) {
  if (bytes.empty()) return;
  Tail()->append(bytes.data(), bytes.size());
  pieces_.back().end += bytes.size();
  size_ += bytes.size();
}

void LinkOutput::Add(const Frame& frame) {
  AppendFrame(frame, Tail());
  pieces_.back().end += kFrameHeader + frame.payload.size();
  size_ += kFrameHeader + frame.payload.size();
}

void LinkOutput::Share(const SharedMessage& message, size_t begin,
                       size_t size) {
  if (size <= kCopied) return Add(message->frames().substr(begin, size));
  pieces_.push_back({message, "", begin, begin + size});
  size_ += size;
}

absl::string_view LinkOutput::piece(size_t i) const {
  const Piece& piece = pieces_[i];
  const absl::string_view bytes =
      piece.shared == nullptr ? piece.own : piece.shared->frames();
  return bytes.substr(piece.begin, piece.end - piece.begin);
}

void LinkOutput::Drop(size_t size) {
  size_ -= size;
  while (size > 0) {
    Piece& piece = pieces_.front();
    const size_t part = std::min(size, piece.end - piece.begin);
    piece.begin += part;
    size -= part;
    if (piece.begin == piece.end) pieces_.pop_front();
  }
}

}  // namespace dist
