#include "transports/kept_children.h"

#include <signal.h>
#include <sys/wait.h>

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

// Reaped, or no child of ours.
bool IsGone(pid_t pid) {
  siginfo_t info = {};
  return waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0;
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
  // Whoever waited for one elsewhere has made its number another's.
  Kept().erase(std::remove_if(Kept().begin(), Kept().end(), IsGone),
               Kept().end());
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
