// Transports: how a byte stream to a host is made.
#ifndef DIST_TRANSPORTS_TRANSPORT_H_
#define DIST_TRANSPORTS_TRANSPORT_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace dist {

struct HostAddress {
  std::string transport;  // A name of the table.
  std::string name;       // For people: "localhost".
};

// A node that was started; the link runs over `fd`.
struct Connection {
  int fd = -1;       // A connected stream socket, close-on-exec. Owned.
  pid_t child = -1;  // A local process behind it to wait for, or -1.
};

struct TransportEntry {
  absl::string_view name;  // As in --tx.
  // Starts a node on the host. May block; not thread-safe. The error says what
  // went wrong in the host's own words.
  absl::StatusOr<Connection> (*connect)(const HostAddress& host);
};

// The table (transports.inc).
absl::Span<const TransportEntry> Transports();

// The entry of that name, or null.
const TransportEntry* FindTransport(absl::string_view name);

}  // namespace dist

#endif  // DIST_TRANSPORTS_TRANSPORT_H_
