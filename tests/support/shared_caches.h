// The common folders of a machine where nodes keep things that cannot be kept
// in a home: a test must neither find there what some run has left, nor leave
// something itself.
#ifndef DIST_TESTS_SUPPORT_SHARED_CACHES_H_
#define DIST_TESTS_SUPPORT_SHARED_CACHES_H_

#include <sched.h>
#include <sys/mount.h>

#include <iostream>

namespace dist {

// Where root may, this process sees empty ones from now on. False: it may not,
// which is said.
inline bool HideSharedCaches() {
  static const bool hidden =
      unshare(CLONE_NEWNS) == 0 &&
      mount("", "/", "", MS_REC | MS_PRIVATE, nullptr) == 0 &&
      mount("t", "/var/tmp", "tmpfs", 0, "mode=1777") == 0 &&
      mount("t", "/dev/shm", "tmpfs", 0, "mode=1777") == 0;
  if (!hidden) {
    std::cerr << "NOTE: needs root to hide /var/tmp and /dev/shm: what is "
                 "cached there may fail the test\n";
  }
  return hidden;
}

}  // namespace dist

#endif  // DIST_TESTS_SUPPORT_SHARED_CACHES_H_
