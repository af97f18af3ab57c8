#include "tests/support/mounted.h"

#include <errno.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

namespace dist {

bool Mounted(const std::string& folder, const char* type,
             const std::string& options, const std::function<void()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    if (unshare(CLONE_NEWNS) != 0 ||
        mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount(type, folder.c_str(), type, 0, options.c_str()) != 0) {
      _exit(kCannotMount);
    }
    body();
    _exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == kCannotMount) return false;
  EXPECT_EQ(status, 0);
  return true;
}

}  // namespace dist
