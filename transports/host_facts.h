// What a machine says of itself.
#ifndef DIST_TRANSPORTS_HOST_FACTS_H_
#define DIST_TRANSPORTS_HOST_FACTS_H_

#include <string>

namespace dist {

std::string HostName();
std::string PlatformName();  // "linux-x86_64".

// CPUs this process may use: affinity, limited by the cgroup's CPU quota
// (v2 cpu.max, v1 cpu.cfs_quota_us), rounded up; at least 1.
int UsableCpus();

}  // namespace dist

#endif  // DIST_TRANSPORTS_HOST_FACTS_H_
