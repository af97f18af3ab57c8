// From workers to the hosts they run on.
#ifndef DIST_CLI_HOSTS_H_
#define DIST_CLI_HOSTS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/model/ids.h"
#include "core/xspec/expand.h"
#include "transports/transport.h"

namespace dist {

struct PlannedHosts {
  std::vector<HostAddress> addresses;  // By HostId; their names are distinct.
  std::vector<HostId> host_of;         // By worker.
};

// The hosts that have come to where listen= says.
struct Arrivals {
  std::shared_ptr<Reception> reception;  // Null while nobody has.
  std::vector<std::string> hosts;        // Their own names, in that order.
};

// What hosts are reached with, for all of a kind.
struct ReachOptions {
  SshChoice ssh = SshChoice::kAuto;
  std::string key_file;    // Of socket=; empty: where the user's is.
  Arrivals arrivals = {};  // Of listen=.
};

// Workers that are reached alike share a host, and so a link and a node:
// same transport, address and via=. What is reached through popen is reached
// directly, and popen through a host is that host. Each listen= is a host: the
// next one that came. Contacts nothing, but reads the key that socket= needs.
// Errors are for the user.
absl::StatusOr<PlannedHosts> PlanHosts(absl::Span<const WorkerSpec> workers,
                                       const ReachOptions& options);

// Whether a host has the user's own files and environment.
inline bool IsHere(const HostAddress& host) {
  return host.transport == "popen";
}

}  // namespace dist

#endif  // DIST_CLI_HOSTS_H_
