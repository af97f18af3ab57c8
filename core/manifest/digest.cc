#include "core/manifest/digest.h"

#include <openssl/evp.h>

#include <cstdlib>
#include <cstring>

#include "absl/strings/escaping.h"

namespace dist {
namespace {

// Fetched once: OpenSSL 3 otherwise looks the algorithm up for each file.
const EVP_MD* Sha256() {
  static const EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return md;
}

}  // namespace

Digest Digest::FromBytes(absl::string_view text) {
  Digest digest;
  if (text.size() == kSize) std::memcpy(&digest.bytes, text.data(), kSize);
  return digest;
}

std::string Digest::Hex() const { return absl::BytesToHexString(view()); }

struct Hasher::Context {
  EVP_MD_CTX* md = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(md); }
};

Hasher::Hasher() : context_(std::make_unique<Context>()) { Restart(); }
Hasher::~Hasher() = default;

// A library without SHA-256, or without memory, leaves nothing to go on with.
void Hasher::Restart() {
  if (EVP_DigestInit_ex2(context_->md, Sha256(), nullptr) != 1) std::abort();
}

void Hasher::Add(absl::string_view bytes) {
  if (EVP_DigestUpdate(context_->md, bytes.data(), bytes.size()) != 1) {
    std::abort();
  }
}

Digest Hasher::Finish() {
  Digest digest;
  if (EVP_DigestFinal_ex(context_->md, digest.bytes.data(), nullptr) != 1) {
    std::abort();
  }
  Restart();
  return digest;
}

Digest DigestOf(absl::string_view bytes) {
  Hasher hasher;
  hasher.Add(bytes);
  return hasher.Finish();
}

}  // namespace dist
