// Property: whatever the file is, importing it gives ids and times that can
// be, or an error that says something.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "core/history/import.h"

namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto imported = dist::ImportDurations(
      text, [](const std::string& name) { return name == "test_a.py"; });
  if (!imported.ok()) {
    Check(!imported.status().message().empty());
    return 0;
  }
  Check(!imported->format.empty());
  for (const auto& [id, micros] : imported->tests) {
    Check(micros <= 1e15);
  }
  return 0;
}
