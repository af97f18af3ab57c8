#include "actors/collection_hash.h"

#include "core/manifest/digest.h"
#include "core/wire/codec.h"

namespace dist {

std::string CollectionHash(const CollectionListed& listed) {
  std::string bytes;
  Encoder encoder(&bytes);
  encoder.Put(listed.ids);
  encoder.Put(listed.groups);
  return DigestOf(bytes).Hex();
}

}  // namespace dist
