// Calls somebody who listens: from an address to a session with one who has
// the key and has answered.
#ifndef DIST_TRANSPORTS_SERVE_CALLER_H_
#define DIST_TRANSPORTS_SERVE_CALLER_H_

#include <string>

#include "absl/status/statusor.h"
#include "core/xspec/address.h"
#include "transports/serve/greeting.h"
#include "transports/stream.h"
#include "transports/tls/key.h"
#include "transports/tls/session.h"

namespace dist {

// Who is called, in the words of a user.
struct Callee {
  SocketAddress address;
  std::string program;   // What shall listen there: "dist serve".
  std::string key_file;  // Where our key is from.
};

struct Call {
  TlsSession tls;
  ServeReply reply;
};

// Connects, proves that we have the key, says `request` and hears the answer:
// 10 s for each of connection and talk, less if `patience` has less. Blocks;
// thread-safe. Errors: one line that names the address, and `help:` on another;
// Cancelled.
absl::StatusOr<Call> CallPeer(const Callee& callee, const ServeKey& key,
                              const ServeRequest& request,
                              const Patience& patience);

// OK if `reply` lets us go on (kWelcome, kWait), else what it means for the
// user: one line, and `help:` on another. `where`: who said it.
absl::Status RefusalOf(const std::string& where, const ServeReply& reply);

// Says that, as much of it as can be said at once, and that nothing follows.
// For sockets that have had little to carry so far.
void TurnAway(TlsSession* tls, const ServeReply& reply);

// A line to and from the other side; nothing after the line is taken. Errors
// as of TlsSession and Patience.
absl::Status SayLine(TlsSession* tls, const std::string& line,
                     const Patience& patience);
absl::StatusOr<std::string> HearLine(TlsSession* tls, const Patience& patience);

}  // namespace dist

#endif  // DIST_TRANSPORTS_SERVE_CALLER_H_
