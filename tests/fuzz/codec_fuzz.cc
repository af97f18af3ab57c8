// Property: what decodes at all is printed to bytes that decode to the same.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "core/model/node_messages.h"
#include "core/wire/codec.h"

namespace {

template <class T>
void CheckFixPoint(absl::string_view bytes) {
  const auto value = dist::Decode<T>(bytes);
  if (!value.ok()) return;
  const std::string printed = dist::Encode(*value);
  // Varints may be padded, so the input may be longer.
  if (printed.size() > bytes.size()) std::abort();
  const auto again = dist::Decode<T>(printed);
  if (!again.ok() || dist::Encode(*again) != printed) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  CheckFixPoint<dist::NodeEvent>(bytes);
  CheckFixPoint<dist::NodeCommand>(bytes);
  return 0;
}
