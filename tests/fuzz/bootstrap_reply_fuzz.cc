// Property: however a host's words are cut, the same replies and the same end
// are read from them; memory stays bounded; after a reply not a byte is taken.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "transports/bootstrap_reply.h"

namespace {

using dist::BootstrapReader;

std::string InPieces(absl::string_view bytes, size_t piece) {
  BootstrapReader reader;
  std::string read;
  while (!bytes.empty()) {
    const absl::string_view part = bytes.substr(0, piece);
    const auto taken = reader.Take(part);
    if (!taken.ok()) return absl::StrCat(read, "error");
    if (taken->bytes == 0 || taken->bytes > part.size()) std::abort();
    if (!taken->reply && taken->bytes != part.size()) std::abort();
    if (taken->reply) {
      if (part[taken->bytes - 1] != '\n') std::abort();
      if (taken->reply->text.size() > BootstrapReader::kMaxReply) std::abort();
      absl::StrAppend(&read, static_cast<int>(taken->reply->kind),
                      taken->reply->packed ? "p" : "", taken->reply->text,
                      "\n");
    }
    if (reader.noise().size() > 2 * BootstrapReader::kMaxReply) std::abort();
    bytes.remove_prefix(taken->bytes);
  }
  return absl::StrCat(read, reader.noise());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string whole = InPieces(bytes, size + 1);
  for (const size_t piece : {1, 2, 7, 4096}) {
    if (InPieces(bytes, piece) != whole) std::abort();
  }
  return 0;
}
