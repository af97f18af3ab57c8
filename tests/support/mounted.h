// File systems for the time of a test.
#ifndef DIST_TESTS_SUPPORT_MOUNTED_H_
#define DIST_TESTS_SUPPORT_MOUNTED_H_

#include <functional>
#include <string>

namespace dist {

inline constexpr char kMountingNeedsRoot[] = "NOT TESTED: mounting needs root";

// Runs `body` in a process and a mount namespace of its own, with a file system
// of that type ("tmpfs") and those options at `folder`. False if this machine
// does not allow that, or `body` has ended with _exit(kCannotMount).
bool Mounted(const std::string& folder, const char* type,
             const std::string& options, const std::function<void()>& body);

inline constexpr int kCannotMount = 99;

}  // namespace dist

#endif  // DIST_TESTS_SUPPORT_MOUNTED_H_
