// Waiting for the hosts that come by themselves: --listen.
#ifndef DIST_CLI_ARRIVALS_H_
#define DIST_CLI_ARRIVALS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/hosts.h"
#include "cli/signal_watch.h"
#include "transports/transport.h"

namespace dist {

// If hosts of a plan (`addresses`) are to come, listens for them until all
// have, and goes on listening as long as anybody has the reception. Says on
// stderr where, and who is there. A key is made if there is none. Blocks.
// Errors: Cancelled by a signal; else the user's: exit status 4.
absl::StatusOr<Arrivals> AwaitArrivals(
    const std::vector<HostAddress>& addresses, SignalWatch* signals);

// What is said at the start. `host`: this machine's name.
std::string DescribeReception(const SocketAddress& address,
                              const std::string& host,
                              const std::string& key_file,
                              const std::string& fingerprint, bool key_is_new);

}  // namespace dist

#endif  // DIST_CLI_ARRIVALS_H_
