// Transports: how a byte stream to a host is made.
#ifndef DIST_TRANSPORTS_TRANSPORT_H_
#define DIST_TRANSPORTS_TRANSPORT_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/xspec/address.h"
#include "transports/stream.h"

namespace dist {

class Reception;  // serve/reception.h

struct HostAddress {
  std::string transport;                    // A name of the table.
  std::string name;                         // For people: "localhost".
  SshAddress ssh;                           // Of ssh.
  SshChoice ssh_choice = SshChoice::kAuto;  // Likewise.
  std::string command;                      // Of exec: a line for a shell.
  SocketAddress socket;                     // Of socket.
  std::string key_file;                     // Likewise: the shared key's.
  std::shared_ptr<Reception> reception;     // Of listen: where it comes to.
  size_t place = 0;                         // Likewise: which of those.
  // The host that it is reached through; null: directly.
  std::shared_ptr<const HostAddress> via;
};

// A node that was started; the link runs over `fd`.
struct Connection {
  int fd = -1;       // A connected stream socket, close-on-exec. Owned.
  pid_t child = -1;  // A kept child behind it (kept_children.h), or -1.
  // What is heard beside the link, or null.
  std::shared_ptr<StreamWitness> witness;
  // Not null: the link is what this carries, and `fd` is only for waiting.
  std::shared_ptr<SecuredLink> secured = nullptr;
};

struct TransportEntry {
  absl::string_view name;  // As in --tx.
  // Starts a node on the host. Blocks as long as `patience` lets it, and ends
  // within a second once that is cancelled; thread-safe. Errors: one line in
  // the host's own words, and `help:` on another.
  absl::StatusOr<Connection> (*connect)(const HostAddress& host,
                                        const Patience& patience);
};

// The table (transports.inc).
absl::Span<const TransportEntry> Transports();

// The entry of that name, or null.
const TransportEntry* FindTransport(absl::string_view name);

// `connect` of the host's transport.
absl::StatusOr<Connection> ConnectByTable(const HostAddress& host,
                                          const Patience& patience);

}  // namespace dist

#endif  // DIST_TRANSPORTS_TRANSPORT_H_
