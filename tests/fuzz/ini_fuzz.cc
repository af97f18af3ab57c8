// Property: an ini file that parses is printed to text that parses to the
// same sections and entries.
#include <cstdint>
#include <cstdlib>

#include "absl/strings/match.h"
#include "core/config/ini.h"

namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

void CheckSame(const dist::IniFile& a, const dist::IniFile& b) {
  Check(a.sections.size() == b.sections.size());
  for (size_t i = 0; i < a.sections.size(); ++i) {
    const auto& x = a.sections[i].entries;
    const auto& y = b.sections[i].entries;
    Check(a.sections[i].name == b.sections[i].name && x.size() == y.size());
    for (size_t j = 0; j < x.size(); ++j) {
      Check(x[j].name == y[j].name && x[j].value == y[j].value);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto file = dist::ParseIni(text, "x.ini");
  if (!file.ok()) {
    Check(absl::StartsWith(file.status().message(), "x.ini:"));
    return 0;
  }
  const auto again = dist::ParseIni(dist::FormatIni(*file), "again.ini");
  Check(again.ok());
  CheckSame(*file, *again);
  return 0;
}
