#include "transports/sweep.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

#include "absl/strings/str_cat.h"
#include "transports/kept_children.h"

namespace dist {
namespace {

using Clock = std::chrono::steady_clock;

struct Process {
  pid_t pid = 0;
  pid_t parent = 0;
  char state = 0;
  unsigned long long started = 0;  // With the number it is one process only.
};

std::optional<Process> ReadProcess(pid_t pid) {
  const int fd =
      open(absl::StrCat("/proc/", pid, "/stat").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  char line[1024];
  const ssize_t n = read(fd, line, sizeof(line) - 1);
  close(fd);
  if (n <= 0) return std::nullopt;
  line[n] = '\0';
  // The name may contain anything; it ends at the last parenthesis.
  const char* rest = static_cast<const char*>(memrchr(line, ')', n));
  Process process;
  process.pid = pid;
  // proc(5): state, ppid, then 17 fields up to the start time.
  if (rest == nullptr ||
      sscanf(rest + 1,
             " %c %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
             "%*s %*s %*s %llu",
             &process.state, &process.parent, &process.started) != 3) {
    return std::nullopt;
  }
  return process;
}

std::vector<Process> AllProcesses() {
  std::vector<Process> all;
  DIR* proc = opendir("/proc");
  if (proc == nullptr) return all;
  while (const dirent* entry = readdir(proc)) {
    const pid_t pid = atoi(entry->d_name);
    if (pid <= 0) continue;
    if (const auto process = ReadProcess(pid)) all.push_back(*process);
  }
  closedir(proc);
  return all;
}

bool Contains(const std::vector<pid_t>& pids, pid_t pid) {
  return std::find(pids.begin(), pids.end(), pid) != pids.end();
}

std::vector<Process> Descendants(std::vector<pid_t> spared) {
  const std::vector<Process> all = AllProcesses();
  // Asked after that: what was made in between is in neither list.
  for (const pid_t kept : KeptChildren()) spared.push_back(kept);
  std::vector<pid_t> parents = {getpid()};
  std::vector<Process> found;
  while (!parents.empty()) {
    std::vector<pid_t> children;
    for (const Process& process : all) {
      if (!Contains(parents, process.parent)) continue;
      if (Contains(spared, process.pid)) continue;
      children.push_back(process.pid);
      found.push_back(process);
    }
    parents = std::move(children);
  }
  return found;
}

// A grandchild is reaped by its parent, and its number may be another's by now:
// the descriptor pins the number down, the start time says whose it is.
void KillGrandchild(const Process& process) {
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, process.pid, 0));
  if (fd < 0) return;
  const auto now = ReadProcess(process.pid);
  if (now && now->started == process.started) {
    syscall(SYS_pidfd_send_signal, fd, SIGKILL, nullptr, 0);
  }
  close(fd);
}

}  // namespace

std::vector<pid_t> ChildProcesses() {
  std::vector<pid_t> children;
  for (const Process& process : AllProcesses()) {
    if (process.parent == getpid()) children.push_back(process.pid);
  }
  return children;
}

int KillDescendants(absl::Duration patience, const std::vector<pid_t>& spared) {
  const auto deadline = Clock::now() + absl::ToChronoMilliseconds(patience);
  while (true) {
    const std::vector<Process> found = Descendants(spared);
    if (found.empty()) return 0;
    // Also in the round that finds only zombies: one may have left orphans
    // that were not ours when we looked.
    int left = 0;
    for (const Process& process : found) {
      if (process.parent != getpid()) {
        KillGrandchild(process);
        ++left;
        continue;
      }
      kill(process.pid, SIGKILL);
      if (waitpid(process.pid, nullptr, WNOHANG) == 0) ++left;
    }
    if (left > 0 && Clock::now() >= deadline) return left;
    if (left > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

bool WaitForChild(pid_t pid, absl::Duration patience) {
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  pollfd ended = {fd, POLLIN, 0};
  poll(&ended, 1, static_cast<int>(absl::ToInt64Milliseconds(patience)));
  if (fd >= 0) close(fd);
  return waitpid(pid, nullptr, WNOHANG) != 0;
}

}  // namespace dist
