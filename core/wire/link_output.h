// Bytes on their way to a peer, in order: parts of messages that other links
// send as well, which are not copied, and what is written between them.
#ifndef DIST_CORE_WIRE_LINK_OUTPUT_H_
#define DIST_CORE_WIRE_LINK_OUTPUT_H_

#include <deque>
#include <string>

#include "absl/strings/string_view.h"
#include "core/wire/frame.h"

namespace dist {

class LinkOutput {
 public:
  // Both copy.
  void Add(absl::string_view bytes);
  void Add(const Frame& frame);
  // Adds `size` > 0 bytes of the message's frames, from `begin` on, and keeps
  // the message until they are dropped. A few bytes are copied instead.
  void Share(const SharedMessage& message, size_t begin, size_t size);

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // Pieces to write one after another; none is empty. What is added later may
  // move them and make the last one longer.
  size_t pieces() const { return pieces_.size(); }
  absl::string_view piece(size_t i) const;
  // Forgets the first `size` bytes. REQUIRES: there are so many.
  void Drop(size_t size);

 private:
  struct Piece {
    SharedMessage shared;  // Null: the bytes are in `own`.
    std::string own;
    size_t begin = 0;
    size_t end = 0;
  };

  // What may be appended to. The caller adds to size_.
  std::string* Tail();

  std::deque<Piece> pieces_;
  size_t size_ = 0;
};

}  // namespace dist

#endif  // DIST_CORE_WIRE_LINK_OUTPUT_H_
