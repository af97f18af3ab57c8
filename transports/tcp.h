// TCP connections, made with patience.
#ifndef DIST_TRANSPORTS_TCP_H_
#define DIST_TRANSPORTS_TCP_H_

#include <string>

#include "absl/status/statusor.h"
#include "transports/owned_fd.h"
#include "transports/stream.h"

namespace dist {

struct TcpTarget {
  std::string host;  // A name or an address.
  int port = 0;
  int family = 0;      // AF_INET, AF_INET6; 0: any.
  std::string source;  // The address to come from; empty: any.
};

// Connects, trying the addresses of the host in turn. The socket does not
// block and is tuned (TuneTcp). Blocks as long as `patience` lets it;
// thread-safe. Errors, whose messages are one clause without a place:
//   NotFound, InvalidArgument  the host, or the source, has no address
//   DeadlineExceeded           "looking up" or "connecting to" took too long
//   Unavailable                the connection was refused
//   Internal                   whatever else the system says
//   Cancelled
absl::StatusOr<OwnedFd> DialTcp(const TcpTarget& target,
                                const Patience& patience);

// Small packets at once; a peer that answers nothing for 15 s is gone.
void TuneTcp(int fd);

}  // namespace dist

#endif  // DIST_TRANSPORTS_TCP_H_
