#include "core/manifest/digest.h"

#include <nettle/sha2.h>

#include <cstring>

#include "absl/strings/escaping.h"

namespace dist {

Digest Digest::FromBytes(absl::string_view text) {
  Digest digest;
  if (text.size() == kSize) std::memcpy(&digest.bytes, text.data(), kSize);
  return digest;
}

std::string Digest::Hex() const { return absl::BytesToHexString(view()); }

struct Hasher::Context {
  sha256_ctx sha256;
};

Hasher::Hasher() : context_(std::make_unique<Context>()) {
  sha256_init(&context_->sha256);
}
Hasher::~Hasher() = default;

void Hasher::Add(absl::string_view bytes) {
  sha256_update(&context_->sha256, bytes.size(),
                reinterpret_cast<const uint8_t*>(bytes.data()));
}

Digest Hasher::Finish() {
  Digest digest;
  sha256_digest(&context_->sha256, Digest::kSize, digest.bytes.data());
  return digest;
}

Digest DigestOf(absl::string_view bytes) {
  Hasher hasher;
  hasher.Add(bytes);
  return hasher.Finish();
}

}  // namespace dist
