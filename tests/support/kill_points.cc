#include "tests/support/kill_points.h"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

namespace dist {
namespace {

constexpr int kNotTraced = 98;

const int kChanging[] = {
#ifdef __NR_rename
    __NR_rename,    __NR_link,      __NR_unlink,   __NR_mkdir,
    __NR_symlink,   __NR_rmdir,
#endif
    __NR_renameat,  __NR_renameat2, __NR_linkat,   __NR_unlinkat,
    __NR_mkdirat,   __NR_symlinkat, __NR_fchmod,   __NR_utimensat,
    __NR_ftruncate, __NR_pwrite64,  __NR_fchmodat, __NR_write,
};

// Stops before what changes files; openat() only where it makes them.
bool Filter(const KillPoint& point) {
  std::vector<sock_filter> code;
  const auto add = [&](uint16_t op, uint8_t yes, uint8_t no, uint32_t k) {
    code.push_back({op, yes, no, k});
  };
  const auto load = [&](size_t offset) {
    add(BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<uint32_t>(offset));
  };
  load(offsetof(seccomp_data, nr));
  if (point.no_exchange) {
    add(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, __NR_renameat2);
    add(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | ENOSYS);
  }
  for (const int number : kChanging) {
    add(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, static_cast<uint32_t>(number));
    add(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_TRACE);
  }
  add(BPF_JMP | BPF_JEQ | BPF_K, 0, 3, __NR_openat);
  load(offsetof(seccomp_data, args) + 2 * sizeof(uint64_t));
  add(BPF_JMP | BPF_JSET | BPF_K, 0, 1, O_CREAT);
  add(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_TRACE);
  add(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
  sock_fprog program = {static_cast<uint16_t>(code.size()), code.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

[[noreturn]] void Child(const KillPoint& point,
                        const std::function<void()>& body) {
  if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(kNotTraced);
  raise(SIGSTOP);
  if (!Filter(point)) _exit(kNotTraced);
  body();
  _exit(::testing::Test::HasFailure() ? 1 : 0);
}

int Wait(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

}  // namespace

KillResult RunAndKill(const KillPoint& point,
                      const std::function<void()>& body) {
  const pid_t child = fork();
  if (child == 0) Child(point, body);
  int status = Wait(child);
  if (WIFSTOPPED(status)) {
    ptrace(PTRACE_SETOPTIONS, child, nullptr,
           PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL);
  }
  int step = 0;
  bool killed = false;
  while (WIFSTOPPED(status)) {
    const bool counts = status >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8);
    const bool first = WSTOPSIG(status) == SIGSTOP;
    if (counts && step++ == point.step) {
      killed = true;
      kill(child, SIGKILL);
    } else {
      ptrace(PTRACE_CONT, child, nullptr,
             counts || first ? 0 : WSTOPSIG(status));
    }
    status = Wait(child);
  }
  if (killed) return KillResult::kKilled;
  if (!WIFEXITED(status)) return KillResult::kFailed;
  if (WEXITSTATUS(status) == kNotTraced) return KillResult::kCannot;
  return WEXITSTATUS(status) == 0 ? KillResult::kDone : KillResult::kFailed;
}

}  // namespace dist
