#include "absl/strings/str_cat.h"
#include "transports/transport.h"

namespace dist {

#define DIST_TRANSPORT(name, connect)                         \
  absl::StatusOr<Connection> connect(const HostAddress& host, \
                                     const Patience& patience);
#include "transports/transports.inc"
#undef DIST_TRANSPORT

absl::Span<const TransportEntry> Transports() {
#define DIST_TRANSPORT(name, connect) TransportEntry{name, connect},
  static constexpr TransportEntry kTransports[] = {
#include "transports/transports.inc"
  };
#undef DIST_TRANSPORT
  return kTransports;
}

const TransportEntry* FindTransport(absl::string_view name) {
  for (const TransportEntry& entry : Transports()) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

absl::StatusOr<Connection> ConnectByTable(const HostAddress& host,
                                          const Patience& patience) {
  const TransportEntry* transport = FindTransport(host.transport);
  if (transport == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("no such transport: ", host.transport));
  }
  return transport->connect(host, patience);
}

}  // namespace dist
