// The connection of a link actor: a plain socket, or what a SecuredLink
// carries.
#ifndef DIST_ACTORS_LINK_SCRIBE_H_
#define DIST_ACTORS_LINK_SCRIBE_H_

#include <caf/fwd.hpp>
#include <caf/io/scribe.hpp>

#include "core/wire/link_output.h"
#include "transports/stream.h"

namespace dist {

// Takes its output from output() instead of wr_buf(), so that messages which
// many links send need not be copied for each. On the thread of CAF's
// multiplexer, as its actor is.
class LinkScribe : public caf::io::scribe {
 public:
  using scribe::scribe;
  // What is to be written. flush() after adding to it.
  virtual LinkOutput& output() = 0;
};

// A scribe over `socket`. One over a SecuredLink encrypts and decrypts on the
// thread of CAF's multiplexer, so a round trip wakes nobody else; how it ended
// is said to its witness.
caf::intrusive_ptr<LinkScribe> MakeScribe(caf::actor_system& system,
                                          LinkSocket socket);

}  // namespace dist

#endif  // DIST_ACTORS_LINK_SCRIBE_H_
