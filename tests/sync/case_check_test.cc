#include "sync/case_check.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/mount.h>

#include <map>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "sync/fd.h"
#include "tests/support/sync_rig.h"

namespace dist {
namespace {

using ::testing::HasSubstr;

PackedManifest Files(const std::vector<std::string>& paths) {
  Manifest manifest;
  for (const std::string& path : paths) {
    Entry entry;
    entry.path = path;
    manifest.entries.push_back(entry);
  }
  Complete(&manifest);
  return PackedManifest::Parse(EncodeManifest(manifest)).value();
}

// A file system that ignores case, in ASCII.
std::string Found(const std::vector<std::string>& paths) {
  std::map<std::string, uint64_t> inodes;
  const absl::Status status = FindOneNamed(
      Files(paths),
      [&](const std::string& name) {
        return inodes.try_emplace(absl::AsciiStrToLower(name), inodes.size())
            .first->second;
      },
      "/there");
  return std::string(status.message());
}

TEST(CaseCheckTest, NamesBothPaths) {
  EXPECT_EQ(Found({"README", "lib/x", "readme"}),
            "README and readme would be one thing in /there: its file system "
            "ignores case\nhelp: rename one of them, leave it out "
            "(--rsyncignore GLOB), or sync to another file system");
}

TEST(CaseCheckTest, FoldersAreNamesToo) {
  EXPECT_THAT(Found({"Lib/a", "lib/b"}), HasSubstr("Lib and lib would be"));
  EXPECT_THAT(Found({"lib/a", "lib/sub/A", "lib/sub/a"}),
              HasSubstr("lib/sub/A and lib/sub/a would be"));
}

TEST(CaseCheckTest, TheSameNameElsewhereIsNone) {
  EXPECT_EQ(Found({"a/X", "b/x", "x/x", "README", "LICENSE"}), "");
}

// What is there makes it look as if case were ignored.
TEST(CaseCheckTest, NamesThatAreTriedDoNotStay) {
  const std::string stage = NewFolder();
  MakeFolder(stage + "/TRIAL");
  const Fd fd(open(stage.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const PackedManifest manifest =
      Files({"a/x", "b/x", "README", "readme", "odd\n\xff", "trial", "TRIAL"});
  EXPECT_EQ(CheckNamesApart(fd.get(), manifest, "/there"), absl::OkStatus());
  EXPECT_EQ(ViewOf(stage).size(), 1u);
  RemoveFolder(stage);
}

TEST(CaseCheckTest, AnOrdinaryFileSystemTellsThemApart) {
  SyncRig rig;
  WriteFile(rig.Here("README"), "1");
  WriteFile(rig.Here("readme"), "2");
  const SyncOutcome outcome = rig.Sync();
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(ReadFile(outcome.done.path + "/readme"), "2");
}

// NTFS in a file, by FUSE, as Windows has it.
class CaselessTest : public ::testing::Test {
 protected:
  void SetUp() override {
    mounted_ =
        system(("PATH=$PATH:/usr/sbin && cd " + folder_ +
                " && truncate -s 16M image && mkntfs -FqQ image >/dev/null 2>&1"
                " && mkdir on && lowntfs-3g -o ignore_case,permissions image on"
                " && mkdir on/tree")
                   .c_str()) == 0;
    if (!mounted_) {
      GTEST_SKIP() << "NOT TESTED: a file system that ignores case needs root, "
                      "/dev/fuse and Debian's ntfs-3g";
    }
  }
  ~CaselessTest() override {
    if (mounted_) umount((folder_ + "/on").c_str());
    RemoveFolder(folder_);
  }

  const std::string folder_ = NewFolder();
  bool mounted_ = false;
};

TEST_F(CaselessTest, NothingIsOverwritten) {
  const std::string tree = folder_ + "/on/tree";
  SyncRig rig;
  WriteFile(rig.Here("README"), "1");
  WriteFile(rig.Here("lib/a"), "a");
  ASSERT_EQ(rig.Sync(tree).error, "");
  WriteFile(rig.Here("readme"), "2");
  EXPECT_THAT(rig.Sync(tree).error,
              HasSubstr("README and readme would be one thing in " + tree));
  RemoveFolder(rig.Here("readme"));
  WriteFile(rig.Here("Lib/b"), "b");
  EXPECT_THAT(rig.Sync(tree).error, HasSubstr("Lib and lib would be one"));
  EXPECT_EQ(ReadFile(tree + "/README"), "1");
  EXPECT_FALSE(Exists(tree + "/lib/b"));
  EXPECT_FALSE(Exists(tree + "/.dist-stage"));
  RemoveFolder(rig.Here("Lib"));
  WriteFile(rig.Here("README"), "3");
  EXPECT_EQ(rig.Sync(tree).error, "");
  EXPECT_EQ(ReadFile(tree + "/README"), "3");
}

}  // namespace
}  // namespace dist
