// What tests of syncing share on the command's side.
#ifndef DIST_TESTS_CLI_SYNC_TESTING_H_
#define DIST_TESTS_CLI_SYNC_TESTING_H_

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "cli/plan.h"
#include "cli/sync_layout.h"
#include "tests/cli/temp_folder.h"

namespace dist {

// The user's folders: a cache, and a project `proj`, where the user is.
class SyncTest : public ::testing::Test {
 protected:
  using Strings = std::vector<std::string>;

  SyncTest() {
    unsetenv("PYTEST_ADDOPTS");
    setenv("XDG_CACHE_HOME", folder_.Path("cache").c_str(), 1);
    folder_.Write("proj/pytest.ini", "[pytest]\n");
    Enter("proj");
  }
  ~SyncTest() override { EXPECT_EQ(chdir("/"), 0); }

  void Enter(const std::string& name) {
    EXPECT_EQ(chdir(folder_.Path(name).c_str()), 0);
  }

  static Request Read(const Strings& args) {
    auto request = ReadRequest(args);
    EXPECT_TRUE(request.ok()) << request.status();
    return *request;
  }

  TempFolder folder_;
};

}  // namespace dist

#endif  // DIST_TESTS_CLI_SYNC_TESTING_H_
