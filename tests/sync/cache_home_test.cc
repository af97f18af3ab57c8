// Which folder a node keeps things in.
#include "sync/cache_home.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"

namespace dist {
namespace {

namespace fs = std::filesystem;

class CacheHomeTest : public ::testing::Test {
 protected:
  CacheHomeTest() {
    std::string name = ::testing::TempDir() + "/cacheXXXXXX";
    folder_ = mkdtemp(&name[0]);
    fs::create_directories(Other() + "/programs/abc");
    chmod(Other().c_str(), 0700);
  }
  ~CacheHomeTest() override {
    if (mounted_) umount2(Home().c_str(), MNT_DETACH);
    fs::remove_all(folder_);
  }

  std::string Home() const { return folder_ + "/home"; }
  std::string Usual() const { return Home() + "/.cache/dist"; }
  std::string Other() const { return folder_ + "/other"; }
  std::string Choose() const {
    return ChooseCacheHome(Usual(), Other() + "/programs/abc/ld.so");
  }
  // False: it may not.
  bool Mount(unsigned long flags, const char* options) {
    fs::create_directories(Home());
    mounted_ = mount("t", Home().c_str(), "tmpfs", flags, options) == 0;
    return mounted_;
  }

  std::string folder_;
  bool mounted_ = false;
};

TEST_F(CacheHomeTest, IsTheUsualOneWhereThatCanBeUsed) {
  EXPECT_EQ(Choose(), Usual());
  struct stat info;
  ASSERT_EQ(stat(Usual().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST_F(CacheHomeTest, IsWithTheProgramWhereThereIsNoOther) {
  EXPECT_EQ(ChooseCacheHome("", Other() + "/programs/abc/ld.so"), Other());
  std::ofstream(Home()) << "a file";
  EXPECT_EQ(Choose(), Other());
}

TEST_F(CacheHomeTest, IsWithTheProgramWhereTheDiskIsReadOnly) {
  if (!Mount(MS_RDONLY, "")) GTEST_SKIP() << "NOT TESTED: mounting needs root";
  EXPECT_EQ(Choose(), Other());
}

TEST_F(CacheHomeTest, IsWithTheProgramWhereTheDiskIsFull) {
  if (!Mount(0, "size=1m")) GTEST_SKIP() << "NOT TESTED: mounting needs root";
  EXPECT_EQ(Choose(), Other());
}

TEST_F(CacheHomeTest, AFolderThatIsNotSafeIsNotGotRound) {
  fs::create_directories(Usual());
  chmod(Usual().c_str(), 0777);
  EXPECT_EQ(Choose(), Usual());
}

TEST_F(CacheHomeTest, AProgramElsewhereSaysNothing) {
  std::ofstream(Home()) << "a file";
  for (const std::string& program :
       {std::string(), std::string("dist"), Other() + "/abc/ld.so",
        std::string("/programs/abc/ld.so")}) {
    EXPECT_EQ(ChooseCacheHome(Usual(), program), Usual()) << program;
  }
  chmod(Other().c_str(), 0777);
  EXPECT_EQ(Choose(), Usual());
}

TEST_F(CacheHomeTest, AHomeThatIsNotThereIsNotMade) {
  const char* const before = getenv("HOME");
  const std::string home = before == nullptr ? "" : before;
  unsetenv("XDG_CACHE_HOME");
  setenv("HOME", Home().c_str(), 1);
  EXPECT_EQ(CacheHomePath(), "");
  fs::create_directories(Home());
  EXPECT_EQ(CacheHomePath(), Usual());
  setenv("HOME", home.c_str(), 1);
}

}  // namespace
}  // namespace dist
