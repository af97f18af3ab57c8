// Property: a file is refused with its name and a line, or it is read.
#include <cstdint>
#include <cstdlib>

#include "absl/strings/match.h"
#include "core/config/toml.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto table = dist::ReadTomlTable(text, "x.toml", {});
  if (table.ok() && !table->has_value()) std::abort();  // The root is a table.
  if (!table.ok() && !absl::StartsWith(table.status().message(), "x.toml:")) {
    std::abort();
  }
  return 0;
}
