// Carries bytes between a TLS connection and a local socket.
#ifndef DIST_TRANSPORTS_TLS_PUMP_H_
#define DIST_TRANSPORTS_TLS_PUMP_H_

#include <string>

#include "transports/tls/session.h"

namespace dist {

struct PumpEnds {
  TlsSession* tls = nullptr;  // Its handshake is done.
  int local = -1;             // A stream socket; stays open.
  int stop = -1;         // Becomes readable when all shall end at once, or -1.
  std::string to_peer;   // What goes before anything that is read from `local`.
  std::string to_local;  // Likewise, the other way.
};

// Returns when one side has ended, what it said before is with the other one,
// and the peer was told. At most 128 KiB are under way. The result says how it
// ended: "" if the local side did, "stopped", "closed by the other side" or why
// the connection was lost.
std::string PumpTls(PumpEnds ends);

}  // namespace dist

#endif  // DIST_TRANSPORTS_TLS_PUMP_H_
