// What is said between a handshake with `dist serve` and the link: one line of
// each side (docs/serve.md).
#ifndef DIST_TRANSPORTS_SERVE_GREETING_H_
#define DIST_TRANSPORTS_SERVE_GREETING_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace dist {

// Of a line, without its end.
inline constexpr size_t kMaxGreeting = 200;

// "dist-serve-1 VERSION\n": a node is wanted by a coordinator of that version.
std::string ServeRequest(absl::string_view version);
// The version. Takes lines without their end, like ParseServeReply. Errors of
// both: InvalidArgument, one clause.
absl::StatusOr<std::string> ParseServeRequest(absl::string_view line);

struct ServeReply {
  enum class Kind {
    kWelcome,       // The link follows.
    kOtherVersion,  // `text`: the server's.
    kBusy,          // `text`: how many runs it has.
    kTrouble,       // `text`: what went wrong there.
  };
  Kind kind = Kind::kWelcome;
  std::string text;  // Printable.
};

// With the line's end; what is too long of `text` is left out.
std::string Format(const ServeReply& reply);
absl::StatusOr<ServeReply> ParseServeReply(absl::string_view line);

}  // namespace dist

#endif  // DIST_TRANSPORTS_SERVE_GREETING_H_
