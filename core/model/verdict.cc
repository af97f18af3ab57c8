#include "core/model/verdict.h"

namespace dist {

absl::string_view Word(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPassed:
      return "passed";
    case Verdict::kFailed:
      return "failed";
    case Verdict::kError:
      return "error";
    case Verdict::kSkipped:
      return "skipped";
    case Verdict::kXfailed:
      return "xfailed";
    case Verdict::kXpassed:
      return "xpassed";
    case Verdict::kCrashed:
      return "crashed";
    case Verdict::kTimeout:
      return "timeout";
    case Verdict::kLost:
      return "lost";
  }
  return "unknown";
}

bool IsBad(Verdict verdict) {
  return verdict == Verdict::kFailed || verdict == Verdict::kError ||
         verdict == Verdict::kCrashed || verdict == Verdict::kTimeout;
}

}  // namespace dist
