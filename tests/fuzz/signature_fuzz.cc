// Property: a signature, whatever is in it, is refused or makes deltas that are
// shorter than half of what they stand for.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "sync/delta.h"

namespace {

std::string Segment() {
  std::string bytes(8192, '\0');
  for (int i = 4096; i < 8192; ++i) bytes[i] = static_cast<char>(i * i >> 5);
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::string* const segment = new std::string(Segment());
  const auto base =
      dist::DeltaBase::Load({reinterpret_cast<const char*>(data), size});
  if (!base.ok()) return 0;
  if ((*base)->DeltaTo(*segment).size() > segment->size() / 2) std::abort();
  return 0;
}
