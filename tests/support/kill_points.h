// Kills a piece of code before each of its steps, one after another.
#ifndef DIST_TESTS_SUPPORT_KILL_POINTS_H_
#define DIST_TESTS_SUPPORT_KILL_POINTS_H_

#include <functional>

namespace dist {

enum class KillResult {
  kKilled,
  kDone,    // It came to its end before.
  kFailed,  // It did not, for another reason.
  kCannot,  // This machine lets nobody trace processes.
};

inline constexpr char kCannotTrace[] =
    "NOT TESTED: no process may be traced here; it runs where ptrace and "
    "seccomp filters are allowed, as to any account of a plain Debian "
    "(kernel.yama.ptrace_scope below 3)";

struct KillPoint {
  // The child dies before its system call of this number, counted from 0, of
  // those that change a file system.
  int step = 0;
  // The file system knows no renameat2().
  bool no_exchange = false;
};

// Runs `body` in a child process with one thread.
KillResult RunAndKill(const KillPoint& point,
                      const std::function<void()>& body);

}  // namespace dist

#endif  // DIST_TESTS_SUPPORT_KILL_POINTS_H_
