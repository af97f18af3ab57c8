// Property: a key is known only if a line has it, with its very bytes; nothing
// hangs on patterns.
#include <cstdint>
#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "transports/ssh/known_hosts.h"

namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  using Verdict = dist::KnownKeys::Verdict;
  dist::KnownKeys keys;
  keys.Add(text, "file", "h", 22, "");
  std::string where;
  const Verdict verdict = keys.Judge("ssh-ed25519", "S0VZ", &where);
  if (verdict == Verdict::kKnown || verdict == Verdict::kRevoked) {
    Check(absl::StrContains(text, "S0VZ"));
  }
  Check((verdict == Verdict::kUnknown) == where.empty());
  if (verdict == Verdict::kChanged) {
    Check(absl::StrContains(text, "ssh-ed25519"));
  }
  if (verdict == Verdict::kUnknown) Check(keys.Types().empty());
  return 0;
}
