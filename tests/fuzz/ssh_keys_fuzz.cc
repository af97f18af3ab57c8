// Property: key files and an agent's answers are read without harm; what is
// read of an agent is what is written again.
#include <cstdint>
#include <cstdlib>

#include "absl/strings/string_view.h"
#include "transports/ssh/key_text.h"

namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto facts = dist::ParsePrivateKey(bytes)) {
    Check(facts->public_key.size() <= size);
  }
  if (const auto blob = dist::ParsePublicKeyLine(bytes)) {
    Check(!dist::KeyType(*blob).empty());
    Check(blob->size() < size);
  }
  const auto keys = dist::ParseAgentKeys(bytes);
  if (!keys.ok()) return 0;
  const std::string written = dist::FormatAgentKeys(*keys).substr(4);
  // Whatever follows the last key is not read.
  Check(bytes.substr(0, written.size()) == written);
  return 0;
}
