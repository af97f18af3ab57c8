#include "transports/kept_children.h"

#include <signal.h>

#include <algorithm>
#include <mutex>

#include "transports/sweep.h"

namespace dist {
namespace {

constexpr absl::Duration kAfterKill = absl::Seconds(5);

std::mutex& Mutex() {
  static std::mutex& mutex = *new std::mutex;
  return mutex;
}

std::vector<pid_t>& Kept() {
  static std::vector<pid_t>& kept = *new std::vector<pid_t>;
  return kept;
}

}  // namespace

absl::StatusOr<pid_t> SpawnKept(const SpawnRequest& request) {
  const std::lock_guard<std::mutex> lock(Mutex());
  absl::StatusOr<pid_t> pid = Spawn(request);
  if (pid.ok()) Kept().push_back(*pid);
  return pid;
}

std::vector<pid_t> KeptChildren() {
  const std::lock_guard<std::mutex> lock(Mutex());
  return Kept();
}

void BuryChild(pid_t pid, absl::Duration patience) {
  if (!WaitForChild(pid, patience)) {
    kill(-pid, SIGKILL);
    kill(pid, SIGKILL);
    WaitForChild(pid, kAfterKill);
  }
  const std::lock_guard<std::mutex> lock(Mutex());
  Kept().erase(std::remove(Kept().begin(), Kept().end(), pid), Kept().end());
}

}  // namespace dist
