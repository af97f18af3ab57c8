// From workers to the hosts they run on.
#ifndef DIST_CLI_HOSTS_H_
#define DIST_CLI_HOSTS_H_

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

// `ssh` says what ssh= is done with.
// Workers that are reached alike share a host, and so a link and a node:
// same transport, address and via=. What is reached through popen is reached
// directly, and popen through a host is that host. Contacts nothing. Errors:
// Unimplemented, InvalidArgument, for the user.
absl::StatusOr<PlannedHosts> PlanHosts(absl::Span<const WorkerSpec> workers,
                                       SshChoice ssh);

// Whether a host has the user's own files and environment.
inline bool IsHere(const HostAddress& host) {
  return host.transport == "popen";
}

}  // namespace dist

#endif  // DIST_CLI_HOSTS_H_
