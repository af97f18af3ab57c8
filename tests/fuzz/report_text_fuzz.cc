// Property: whatever the bytes, cleaned text holds nothing that a terminal, a
// CI system or an XML reader obeys, and cleaning it again changes nothing.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "core/report/text.h"

namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

bool HasControls(absl::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f) return true;
  }
  return absl::StrContains(text, "\xc2\x9b");
}

void CheckTerminal(absl::string_view text) {
  for (const dist::Sgr sgr : {dist::Sgr::kKeep, dist::Sgr::kDrop}) {
    const std::string clean = dist::Sanitize(text, sgr);
    Check(dist::Sanitize(clean, sgr) == clean);
    Check(!HasControls(dist::StripSgr(clean)));
    const std::string quiet = dist::NeutralizeCi(clean);
    Check(dist::NeutralizeCi(quiet) == quiet);
    Check(!absl::StrContains(quiet, "##vso[") &&
          !absl::StrContains(quiet, "\n::"));
  }
  const std::string line = dist::SanitizeLine(text);
  Check(dist::SanitizeLine(line) == line && line.find('\n') == line.npos);
  for (size_t columns = 0; columns < 12; ++columns) {
    Check(dist::DisplayWidth(dist::Ellipsize(line, columns)) <= columns);
  }
}

void CheckXml(absl::string_view text) {
  const std::string safe = dist::XmlSafe(text);
  Check(dist::XmlSafe(safe) == safe);
  Check(dist::XmlText(text).find_first_of("<>") == std::string::npos);
  Check(dist::XmlAttribute(text).find_first_of("<>\"\n\r\t") ==
        std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  CheckTerminal(text);
  CheckXml(text);
  return 0;
}
