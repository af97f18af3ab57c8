// SHA-256: what names a content.
#ifndef DIST_CORE_MANIFEST_DIGEST_H_
#define DIST_CORE_MANIFEST_DIGEST_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace dist {

struct Digest {
  static constexpr size_t kSize = 32;
  std::array<uint8_t, kSize> bytes{};

  // The 32 bytes. `text` of another size gives the digest of all zeros.
  static Digest FromBytes(absl::string_view text);
  absl::string_view view() const {
    return {reinterpret_cast<const char*>(bytes.data()), kSize};
  }
  std::string Hex() const;

  friend bool operator==(const Digest& a, const Digest& b) {
    return a.bytes == b.bytes;
  }
  friend bool operator!=(const Digest& a, const Digest& b) { return !(a == b); }
  template <class H>
  friend H AbslHashValue(H h, const Digest& d) {
    return H::combine(std::move(h), d.bytes);
  }
};

// The digest of bytes that come in pieces. May be used again after Finish().
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;

  void Add(absl::string_view bytes);
  Digest Finish();

 private:
  struct Context;
  const std::unique_ptr<Context> context_;
};

Digest DigestOf(absl::string_view bytes);

}  // namespace dist

#endif  // DIST_CORE_MANIFEST_DIGEST_H_
