// The connection of a link actor, plain or over TLS.
#ifndef DIST_ACTORS_SECURED_SCRIBE_H_
#define DIST_ACTORS_SECURED_SCRIBE_H_

#include <caf/fwd.hpp>
#include <caf/io/scribe.hpp>

#include "transports/stream.h"

namespace dist {

// A scribe of CAF's over `socket`. One over TLS encrypts and decrypts on the
// thread of CAF's multiplexer, so a round trip wakes nobody else; how it ended
// is said to its witness.
caf::io::scribe_ptr MakeScribe(caf::actor_system& system, LinkSocket socket);

}  // namespace dist

#endif  // DIST_ACTORS_SECURED_SCRIBE_H_
