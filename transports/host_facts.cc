#include "transports/host_facts.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <fstream>
#include <iterator>
#include <sstream>

namespace dist {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file),
          std::istreambuf_iterator<char>()};
}

double Number(const std::string& text) {
  return std::max(0.0, strtod(text.c_str(), nullptr));
}

// Of one cgroup, or 0.
double QuotaOf(const std::string& folder) {
  const std::string v2 = ReadFile(folder + "/cpu.max");  // "max 100000".
  const size_t space = v2.find(' ');
  double micros = 0, period = 0;
  if (space != std::string::npos) {
    micros = Number(v2.substr(0, space));  // 0 for "max".
    period = Number(v2.substr(space));
  } else {
    micros = Number(ReadFile(folder + "/cpu.cfs_quota_us"));  // -1: no limit.
    period = Number(ReadFile(folder + "/cpu.cfs_period_us"));
  }
  return std::isfinite(micros) && period > 0 ? micros / period : 0;
}

}  // namespace

std::string HostName() {
  char name[256] = {};
  gethostname(name, sizeof(name) - 1);
  return name;
}

std::string PlatformName() {
  utsname names = {};
  uname(&names);
  std::string system = names.sysname;
  std::transform(system.begin(), system.end(), system.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return system + "-" + names.machine;
}

std::string KernelId() {
  std::string id = ReadFile("/proc/sys/kernel/random/boot_id");
  while (!id.empty() && id.back() == '\n') id.pop_back();
  return id;
}

std::string SystemName() {
  utsname names = {};
  uname(&names);
  return std::string(names.sysname) + " " + names.release + " " + names.machine;
}

int InstalledCpus() {
  return std::max(1, static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)));
}

double CgroupQuota(const std::string& membership, const std::string& root) {
  double least = 0;
  std::istringstream lines(membership);
  for (std::string line; std::getline(lines, line);) {
    // "4:cpu,cpuacct:/a/b" of version 1, "0::/a/b" of version 2.
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string names = line.substr(first + 1, second - first - 1);
    if (!names.empty() && ("," + names + ",").find(",cpu,") == names.npos) {
      continue;
    }
    const std::string mount = root + (names.empty() ? "" : "/cpu");
    // Every ancestor limits as well.
    std::string path = line.substr(second + 1);
    while (true) {
      const double quota = QuotaOf(mount + path);
      if (quota > 0 && (least == 0 || quota < least)) least = quota;
      if (path.empty()) break;
      path.erase(path.rfind('/') == path.npos ? 0 : path.rfind('/'));
    }
  }
  return least;
}

int UsableCpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  int cpus = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  // Fails where the kernel knows more CPUs than the set can hold.
  if (sched_getaffinity(0, sizeof(set), &set) == 0) cpus = CPU_COUNT(&set);
  const double quota =
      CgroupQuota(ReadFile("/proc/self/cgroup"), "/sys/fs/cgroup");
  if (quota > 0 && quota < cpus) cpus = static_cast<int>(std::ceil(quota));
  return std::max(cpus, 1);
}

}  // namespace dist
