// Hosts where a shell can be reached: exec and ssh, directly and through
// others.
#ifndef DIST_TRANSPORTS_REMOTE_H_
#define DIST_TRANSPORTS_REMOTE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "transports/stream.h"
#include "transports/transport.h"

namespace dist {

// Runs the shell command `line` on `host`. Blocks; thread-safe. Errors as
// TransportEntry::connect's.
absl::StatusOr<Stream> OpenStream(const HostAddress& host,
                                  absl::string_view line,
                                  const Patience& patience);

}  // namespace dist

#endif  // DIST_TRANSPORTS_REMOTE_H_
