// What a machine says of itself.
#ifndef DIST_TRANSPORTS_HOST_FACTS_H_
#define DIST_TRANSPORTS_HOST_FACTS_H_

#include <string>

namespace dist {

std::string HostName();
std::string PlatformName();  // "linux-x86_64".

// Names the running kernel, until the machine is started again. "": unknown.
std::string KernelId();

std::string SystemName();  // As of uname: "Linux 6.1.0 x86_64".
int InstalledCpus();       // At least 1.

// CPUs this process may use: affinity, limited by CPU quotas, rounded up; at
// least 1.
int UsableCpus();

// The smallest CPU quota, in CPUs, of the cgroups of a process: `membership` is
// its /proc/PID/cgroup, `root` where cgroups are mounted. 0: no limit. Inside a
// container the membership may name folders that are not there.
double CgroupQuota(const std::string& membership, const std::string& root);

}  // namespace dist

#endif  // DIST_TRANSPORTS_HOST_FACTS_H_
