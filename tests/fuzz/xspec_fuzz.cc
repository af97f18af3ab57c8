// Property: a --tx specification is printed as it was written, and what was
// printed parses to the same; no host looks like an option; nothing that is
// accepted holds a control character.
#include <cstdint>
#include <cstdlib>

#include "absl/strings/string_view.h"
#include "core/xspec/address.h"
#include "core/xspec/expand.h"
#include "core/xspec/xspec.h"

namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

void CheckAddress(const dist::XSpec& spec) {
  if (spec.transport != dist::XSpec::Transport::kSsh) return;
  const auto address = dist::ParseSshAddress(spec.address);
  Check(address.ok() && !address->host.empty() && address->host[0] != '-');
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto spec = dist::ParseXSpec(text);
  if (!spec.ok()) {
    Check(!spec.status().message().empty());
    return 0;
  }
  for (const char c : text) Check(static_cast<unsigned char>(c) >= 0x20);
  const std::string printed = dist::Format(*spec);
  Check(printed == text);
  const auto again = dist::ParseXSpec(printed);
  Check(again.ok() && *again == *spec);
  CheckAddress(*spec);
  if (spec->count < 100) {
    const auto workers = dist::ExpandSpecs({*spec});
    if (workers.ok()) {
      Check(dist::PlatformLabels(*workers).size() == workers->size());
    }
  }
  return 0;
}
