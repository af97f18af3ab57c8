// The first bytes of a connection, before anything else looks at them.
#ifndef DIST_TRANSPORTS_SERVE_OPENING_H_
#define DIST_TRANSPORTS_SERVE_OPENING_H_

#include "absl/strings/string_view.h"

namespace dist {

// A TLS client's first message, as ours sends it, is far shorter. What does
// not fit is not read, let alone kept.
inline constexpr size_t kMaxOpening = 1024;

enum class Opening {
  kPartial,  // May become one.
  kWhole,    // A first message, in one record, and nothing after it.
  kForeign,  // Is none, or is not one of ours.
};

// Judges by the nine bytes of header alone; what a message holds is for those
// who know the key.
Opening JudgeOpening(absl::string_view bytes);

}  // namespace dist

#endif  // DIST_TRANSPORTS_SERVE_OPENING_H_
