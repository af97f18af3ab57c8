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

}  // namespace dist
