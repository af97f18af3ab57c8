// Bootstrap: makes a node out of a shell on a host.
//
// docs/bootstrap.md describes what is said, and why. One round trip if the
// host has the program in its cache; one more, and the bytes, if not.
#ifndef DIST_TRANSPORTS_BOOTSTRAP_H_
#define DIST_TRANSPORTS_BOOTSTRAP_H_

#include <string>

#include "absl/status/statusor.h"
#include "transports/bundle.h"
#include "transports/stream.h"
#include "transports/transport.h"

namespace dist {

// When the host may be written to.
enum class Start {
  // At once: nothing but our script reads the stream (ssh's exec request).
  kAtOnce,
  // Once the script has spoken: a shell that reads its commands from the
  // stream may have read what follows them as well.
  kWhenGreeted,
};

// Makes a node where BootstrapCommand() was started on `stream`, which is taken
// over. Blocks; thread-safe. The deadline is for the first answer; after it,
// 30 s without any progress are too long. Errors are one line in the host's
// words and one with `help:`; nothing is left of the stream then.
absl::StatusOr<Connection> Bootstrap(Stream stream, const Bundles& bundles,
                                     const Patience& patience, Start start);

// Has RelayCommand(), which was started on `stream`, run `command` in its
// place. `stream` is that command's stdio afterwards.
absl::Status Relay(Stream* stream, const std::string& command,
                   const Patience& patience);

// The last lines that a witness heard, as one that can be printed.
std::string LastWords(const StreamWitness& witness);

// Closes a stream that is of no more use and ends the process behind it.
void Abandon(Stream stream);

}  // namespace dist

#endif  // DIST_TRANSPORTS_BOOTSTRAP_H_
