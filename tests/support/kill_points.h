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
