// What is said between a handshake and the link, a line at a time
// (docs/serve.md).
#ifndef DIST_TRANSPORTS_SERVE_GREETING_H_
#define DIST_TRANSPORTS_SERVE_GREETING_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace dist {

// Of a line, without its end.
inline constexpr size_t kMaxGreeting = 200;

// The first words of who connected, or of the coordinator once it needs a host
// that offered itself.
struct ServeRequest {
  enum class Kind {
    kNode,   // A node, please.
    kOffer,  // Here is a host.
  };
  Kind kind = Kind::kNode;
  std::string version;
  std::string host;  // Of kOffer: letters, digits and ".-_".
};

// With the line's end; `host` becomes such a name.
std::string Format(const ServeRequest& request);
// These take lines without their end. Errors: InvalidArgument, one clause.
absl::StatusOr<ServeRequest> ParseServeRequest(absl::string_view line);

struct ServeReply {
  enum class Kind {
    kWelcome,       // The link follows.
    kOtherVersion,  // `text`: the server's.
    kBusy,          // `text`: how many runs it has.
    kTrouble,       // `text`: what went wrong there.
    kWait,          // To an offer: a request follows, in its own time.
    kOtherWay,      // `text`: what it is instead, kServes or kListens.
  };
  Kind kind = Kind::kWelcome;
  std::string text;  // Printable.
};

// What answers the wrong request is.
inline constexpr char kServes[] = "serve";    // dist serve: takes runs.
inline constexpr char kListens[] = "listen";  // dist --listen: takes hosts.

// With the line's end; what is too long of `text` is left out.
std::string Format(const ServeReply& reply);
absl::StatusOr<ServeReply> ParseServeReply(absl::string_view line);

}  // namespace dist

#endif  // DIST_TRANSPORTS_SERVE_GREETING_H_
