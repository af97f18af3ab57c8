#include "actors/collection_hash.h"

#include <openssl/evp.h>

#include "absl/strings/escaping.h"
#include "core/wire/codec.h"

namespace dist {

std::string CollectionHash(const CollectionListed& listed) {
  std::string bytes;
  Encoder encoder(&bytes);
  encoder.Put(listed.ids);
  encoder.Put(listed.groups);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr);
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest), size));
}

}  // namespace dist
