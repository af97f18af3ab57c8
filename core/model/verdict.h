// How tests end, in one word each.
#ifndef DIST_CORE_MODEL_VERDICT_H_
#define DIST_CORE_MODEL_VERDICT_H_

#include <array>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace dist {

enum class Verdict : uint8_t {
  kPassed,
  kFailed,  // The test itself said no.
  kError,   // Its set-up or teardown, or its module, did.
  kSkipped,
  kXfailed,  // Failed, as its mark expects.
  kXpassed,  // Passed although its mark expects a failure.
  kCrashed,  // Its process died while it ran.
  kTimeout,  // It ran longer than it may and was killed.
  kLost,     // No host was left to run it.
};

inline constexpr size_t kVerdictCount = 9;

inline constexpr std::array<Verdict, kVerdictCount> kAllVerdicts = {
    Verdict::kFailed,  Verdict::kPassed,  Verdict::kSkipped,
    Verdict::kXfailed, Verdict::kXpassed, Verdict::kError,
    Verdict::kCrashed, Verdict::kTimeout, Verdict::kLost};

// The word that the summary and the contract use: "passed", "xfailed", ...
absl::string_view Word(Verdict verdict);

inline std::string to_string(Verdict verdict) {
  return std::string(Word(verdict));
}

// Whether the test itself counts as broken (exit status 1). kLost is not: it
// says something of the hosts.
bool IsBad(Verdict verdict);

}  // namespace dist

#endif  // DIST_CORE_MODEL_VERDICT_H_
