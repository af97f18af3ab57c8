#include "sync/cache_home.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/support/shared_caches.h"
#include "tests/support/sync_rig.h"

namespace dist {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class CacheHomeTest : public ::testing::Test {
 protected:
  CacheHomeTest() {
    setenv("XDG_CACHE_HOME", folder_.c_str(), 1);
    if (hidden_) mount("t", "/var/tmp", "tmpfs", 0, "mode=1777");
  }
  ~CacheHomeTest() override {
    unsetenv("XDG_CACHE_HOME");
    if (hidden_) umount("/var/tmp");
    RemoveFolder(folder_);
  }
  void SetUp() override {
    if (!hidden_) GTEST_SKIP() << "NOT TESTED: mounting needs root";
  }

  // Looks for it first: what is told then must be so.
  CacheHome Find() {
    const bool had = Exists(Home());
    const CacheHome looked = LookForCacheHome();
    EXPECT_EQ(Exists(Home()), had);
    CacheHome found = FindCacheHome();
    EXPECT_EQ(looked.path, found.path);
    EXPECT_EQ(looked.passed_over.empty(), found.passed_over.empty());
    EXPECT_EQ(looked.unusable.empty(), found.unusable.empty());
    return found;
  }

  // Likewise with a file system of those options in the home.
  CacheHome FindWith(const std::string& options) {
    EXPECT_EQ(mount("t", folder_.c_str(), "tmpfs", 0, "mode=700"), 0);
    MakeFolder(Home());
    const unsigned long flags = options == "ro"       ? MS_RDONLY
                                : options == "noexec" ? MS_NOEXEC
                                                      : 0;
    const std::string size = flags == 0 ? options : "";
    EXPECT_EQ(
        mount("t", folder_.c_str(), "tmpfs", MS_REMOUNT | flags, size.c_str()),
        0);
    const CacheHome found = Find();
    umount(folder_.c_str());
    return found;
  }

  std::string Home() const { return folder_ + "/dist"; }
  static std::string Shared(const std::string& folder) {
    return absl::StrCat(folder, "/dist-", geteuid());
  }

  const bool hidden_ = HideSharedCaches();
  const std::string folder_ = NewFolder();
};

TEST_F(CacheHomeTest, IsInTheHome) {
  const CacheHome found = Find();
  EXPECT_EQ(found.path, Home());
  EXPECT_EQ(found.passed_over, "");
  EXPECT_FALSE(Exists(Shared("/var/tmp")));
}

TEST_F(CacheHomeTest, LookingMakesNothing) {
  const CacheHome looked = LookForCacheHome();
  EXPECT_EQ(looked.path, Home());
  EXPECT_GT(looked.free_bytes, 0u);
  EXPECT_FALSE(Exists(Home()));
  setenv("XDG_CACHE_HOME", "/proc/nowhere", 1);
  EXPECT_EQ(LookForCacheHome().path, Shared("/var/tmp"));
  EXPECT_FALSE(Exists(Shared("/var/tmp")));
}

TEST_F(CacheHomeTest, ALinkThatLeadsNowhereIsNoHome) {
  MakeLink(folder_ + "/nowhere", Home());
  EXPECT_EQ(Find().path, Shared("/var/tmp"));
}

TEST_F(CacheHomeTest, IsElsewhereIfTheHomeIsOfNoUse) {
  struct Row {
    std::string options;
    std::string why;
  };
  for (const Row& row :
       {Row{"ro", "read-only"}, Row{"noexec", "no program may run there"},
        Row{"size=1m", "KiB are free"}}) {
    const CacheHome found = FindWith(row.options);
    EXPECT_EQ(found.path, Shared("/var/tmp")) << row.options;
    EXPECT_THAT(found.passed_over, StartsWith(Home() + ": "));
    EXPECT_THAT(found.passed_over, HasSubstr(row.why));
  }
}

TEST_F(CacheHomeTest, MakesNoHome) {
  unsetenv("XDG_CACHE_HOME");
  const std::string before = getenv("HOME") == nullptr ? "" : getenv("HOME");
  setenv("HOME", Home().c_str(), 1);
  EXPECT_EQ(Find().path, Shared("/var/tmp"));
  EXPECT_FALSE(Exists(Home()));
  MakeFolder(Home());
  EXPECT_EQ(Find().path, Home() + "/.cache/dist");
  setenv("HOME", before.c_str(), 1);
}

TEST_F(CacheHomeTest, IsNowhereThatOthersMayWriteTo) {
  MakeFolder(Home());
  chmod(Home().c_str(), 0777);
  EXPECT_EQ(Find().path, Shared("/var/tmp"));
  EXPECT_THAT(Find().passed_over, HasSubstr("others may write"));
  chmod(Shared("/var/tmp").c_str(), 0777);
  EXPECT_EQ(Find().path, Shared("/dev/shm"));
}

TEST_F(CacheHomeTest, FollowsNoLinkThatOthersMayHaveMade) {
  setenv("XDG_CACHE_HOME", "/proc/nowhere", 1);
  const std::string trap = folder_ + "/trap";
  MakeFolder(trap);
  chmod(trap.c_str(), 0700);
  MakeLink(trap, Shared("/var/tmp"));
  EXPECT_EQ(Find().path, Shared("/dev/shm"));
  rmdir(Shared("/dev/shm").c_str());
  MakeLink(trap, Shared("/dev/shm"));
  const CacheHome found = Find();
  EXPECT_EQ(found.path, "/proc/nowhere/dist") << "what is said is about that";
  EXPECT_EQ(found.passed_over, "");
  EXPECT_THAT(found.unusable, HasSubstr("/proc/nowhere"));
  unlink(Shared("/dev/shm").c_str());
}

}  // namespace
}  // namespace dist
