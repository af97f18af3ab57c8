// A cache folder of the test's own: a node, or a fetch, that finds none in the
// home would use a common folder of the machine, and leave something there.
#ifndef DIST_TESTS_SUPPORT_OWN_CACHE_H_
#define DIST_TESTS_SUPPORT_OWN_CACHE_H_

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

namespace dist {

// For all nodes that this process and its children start from then on.
class OwnCache {
 public:
  OwnCache() {
    std::string folder = ::testing::TempDir() + "/XXXXXX";
    EXPECT_NE(mkdtemp(&folder[0]), nullptr);
    folder_ = folder;
    setenv("XDG_CACHE_HOME", folder_.c_str(), 1);
  }
  ~OwnCache() {
    unsetenv("XDG_CACHE_HOME");
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  OwnCache(const OwnCache&) = delete;
  OwnCache& operator=(const OwnCache&) = delete;

  // Where dist keeps things; not there before it does.
  std::string path() const { return folder_ + "/dist"; }

 private:
  std::string folder_;
};

}  // namespace dist

#endif  // DIST_TESTS_SUPPORT_OWN_CACHE_H_
