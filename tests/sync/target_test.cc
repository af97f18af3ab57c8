#include "sync/target.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "sync/cache_home.h"
#include "tests/support/sync_rig.h"

namespace dist {
namespace {

class TargetTest : public ::testing::Test {
 protected:
  // Syncs and expects that it works; the tree's path.
  std::string Sync(const std::string& folder = "") {
    const SyncOutcome outcome = rig_.Sync(folder);
    EXPECT_EQ(outcome.error, "");
    last_ = outcome;
    return outcome.done.path;
  }

  SyncRig rig_;
  SyncOutcome last_;
};

TEST_F(TargetTest, KeepsBytecodeOfSourcesThatStillExist) {
  WriteFile(rig_.Here("p/a.py"), "a");
  WriteFile(rig_.Here("p/b.py"), "b");
  const std::string tree = Sync();
  WriteFile(tree + "/p/__pycache__/a.cpython-311.pyc", "A");
  WriteFile(tree + "/p/__pycache__/b.cpython-311.pyc", "B");
  WriteFile(tree + "/p/__pycache__/b.cpython-311-pytest-7.2.1.pyc", "B");
  unlink(rig_.Here("p/b.py").c_str());
  WriteFile(rig_.Here("p/c.py"), "c");
  ASSERT_EQ(Sync(), tree);
  EXPECT_TRUE(Exists(tree + "/p/__pycache__/a.cpython-311.pyc"));
  EXPECT_FALSE(Exists(tree + "/p/__pycache__/b.cpython-311.pyc"));
  EXPECT_FALSE(Exists(tree + "/p/__pycache__/b.cpython-311-pytest-7.2.1.pyc"));
}

TEST_F(TargetTest, RemovesWhatTestsLeftButKeepsCaches) {
  WriteFile(rig_.Here("a"), "1");
  const std::string tree = Sync();
  WriteFile(tree + "/left/behind", "x");
  WriteFile(tree + "/.pytest_cache/v", "x");
  Sync();
  EXPECT_FALSE(Exists(tree + "/left"));
  EXPECT_TRUE(Exists(tree + "/.pytest_cache/v"));
}

TEST_F(TargetTest, RestoresWhatTestsChanged) {
  WriteFile(rig_.Here("data"), "original");
  WriteFile(rig_.Here("other"), "other");
  const std::string tree = Sync();
  const int64_t time = TimeOf(tree + "/data");
  WriteFile(tree + "/data", "modified");  // As long as before.
  SetTime(tree + "/data", time);
  chmod((tree + "/other").c_str(), 0777);
  Sync();
  EXPECT_EQ(ReadFile(tree + "/data"), "original");
  EXPECT_EQ(ViewOf(tree), ViewOf(rig_.here()));
}

TEST_F(TargetTest, SendsNothingWhenOnlyTimesChanged) {
  WriteFile(rig_.Here("a"), "1");
  WriteFile(rig_.Here("d/b"), "2");
  const std::string tree = Sync();
  SetTime(rig_.Here("a"), 1'000'000'007);
  SetTime(rig_.Here("d/b"), 2'000'000'007);
  Sync();
  EXPECT_EQ(last_.sent, 0u);
  EXPECT_EQ(ViewOf(tree), ViewOf(rig_.here()));
}

TEST_F(TargetTest, SendsNothingForWhatMovedOrCameBack) {
  WriteFile(rig_.Here("a"), "first");
  Sync();
  ASSERT_EQ(rename(rig_.Here("a").c_str(), rig_.Here("b").c_str()), 0);
  Sync();
  EXPECT_EQ(last_.sent, 0u) << "moved";
  WriteFile(rig_.Here("b"), "second");
  Sync();
  WriteFile(rig_.Here("b"), "first");
  const std::string tree = Sync();
  EXPECT_EQ(last_.sent, 0u) << "came back";
  EXPECT_EQ(ReadFile(tree + "/b"), "first");
}

TEST_F(TargetTest, AsksForWhatItLacksThoughEverythingCame) {
  WriteFile(rig_.Here("a"), std::string(2'000'000, 'a'));
  WriteFile(rig_.Here("b"), std::string(900'000, 'b'));
  WriteFile(rig_.Here("b2"), std::string(900'000, 'b'));
  WriteFile(rig_.Here("empty"), "");
  Sync();
  WriteFile(rig_.Here("c"), "new");
  rig_.fresh = true;
  const std::string tree = Sync();
  EXPECT_EQ(last_.round_trips, 2);
  EXPECT_EQ(last_.done.received, 3u);
  EXPECT_EQ(ViewOf(tree), ViewOf(rig_.here()));
}

TEST_F(TargetTest, ALargeTreeIsNotSentUnasked) {
  WriteFile(rig_.Here("a"), std::string(kMaxUnasked / 2, 'a'));
  WriteFile(rig_.Here("b"), std::string(kMaxUnasked / 2, 'b'));
  rig_.fresh = true;
  Sync();
  EXPECT_EQ(last_.round_trips, 1);
  rig_.project = std::string(32, 'b');
  WriteFile(rig_.Here("c"), "one byte too many");
  Sync();
  EXPECT_EQ(last_.round_trips, 2);
  EXPECT_EQ(last_.done.received, 17u) << "another project has the rest";
}

TEST_F(TargetTest, AnAccountIsFreshUntilItsFirstSync) {
  EXPECT_TRUE(IsFresh(rig_.cache()));
  EXPECT_TRUE(IsFresh(rig_.cache() + "/not/there"));
  EXPECT_FALSE(IsFresh(""));
  WriteFile(rig_.Here("a"), "1");
  Sync();
  EXPECT_FALSE(IsFresh(rig_.cache()));
}

TEST_F(TargetTest, SendsNothingThatAnotherProjectHas) {
  WriteFile(rig_.Here("a"), std::string(5000, 'x'));
  const std::string first = Sync();
  rig_.project = std::string(32, 'b');
  const std::string second = Sync();
  EXPECT_NE(second, first);
  EXPECT_EQ(last_.sent, 0u);
  EXPECT_EQ(ViewOf(second), ViewOf(rig_.here()));
}

TEST_F(TargetTest, DoesNotTakeAContentThatATestHasChanged) {
  WriteFile(rig_.Here("a"), "right");
  const std::string first = Sync();
  WriteFile(first + "/a", "wrong");
  rig_.project = std::string(32, 'b');
  const std::string second = Sync();
  EXPECT_EQ(ReadFile(second + "/a"), "right");
  EXPECT_EQ(last_.done.received, 5u);
}

TEST_F(TargetTest, TwoRunsAtOnceHaveTwoTrees) {
  WriteFile(rig_.Here("a"), "1");
  SyncTarget first(rig_.cache());
  const SyncOutcome one = rig_.SyncTo(&first, SnapshotOf(rig_.here()));
  WriteFile(rig_.Here("a"), "2");
  SyncTarget second(rig_.cache());
  const SyncOutcome two = rig_.SyncTo(&second, SnapshotOf(rig_.here()));
  ASSERT_EQ(one.error + two.error, "");
  EXPECT_NE(one.done.path, two.done.path);
  EXPECT_EQ(ReadFile(one.done.path + "/a"), "1");
  EXPECT_EQ(ReadFile(two.done.path + "/a"), "2");
}

TEST_F(TargetTest, AFolderOfTheUsersIsForOneRunAtATime) {
  const std::string there = NewFolder();
  WriteFile(rig_.Here("a"), "1");
  {
    SyncTarget first(rig_.cache());
    rig_.SyncTo(&first, SnapshotOf(rig_.here()), there);
    const SyncOutcome second = rig_.Sync(there);
    EXPECT_TRUE(absl::StrContains(second.error, "in use by another run"))
        << second.error;
  }
  Sync(there);
  RemoveFolder(there);
}

TEST_F(TargetTest, FoldersOfTheUsersAreMade) {
  const std::string there = NewFolder();
  WriteFile(rig_.Here("a"), "1");
  EXPECT_EQ(Sync(there + "/x/y"), there + "/x/y");
  EXPECT_EQ(ReadFile(there + "/x/y/a"), "1");
  RemoveFolder(there);
}

TEST_F(TargetTest, InAFolderOfTheUsersOnlyOursIsDeleted) {
  const std::string there = NewFolder();
  WriteFile(rig_.Here("d/a"), "1");
  WriteFile(rig_.Here("e/b"), "2");
  Sync(there);
  WriteFile(there + "/d/mine", "x");
  RemoveFolder(rig_.Here("d"));
  RemoveFolder(rig_.Here("e"));
  Sync(there);
  EXPECT_FALSE(Exists(there + "/d/a"));
  EXPECT_EQ(ReadFile(there + "/d/mine"), "x");
  EXPECT_FALSE(Exists(there + "/e"));
  RemoveFolder(there);
}

TEST_F(TargetTest, InAFolderOfTheUsersLinksAreReplacedNotFollowed) {
  const std::string there = NewFolder();
  const std::string outside = NewFolder();
  WriteFile(outside + "/precious", "precious");
  MakeLink(outside + "/precious", there + "/a");
  WriteFile(rig_.Here("a"), "1");
  Sync(there);
  EXPECT_EQ(ReadFile(outside + "/precious"), "precious");
  EXPECT_EQ(ReadFile(there + "/a"), "1");
  RemoveFolder(there);
  RemoveFolder(outside);
}

TEST_F(TargetTest, InAFolderOfTheUsersALinkForAFolderIsAnError) {
  const std::string there = NewFolder();
  const std::string outside = NewFolder();
  MakeLink(outside, there + "/d");
  WriteFile(rig_.Here("d/a"), "1");
  const SyncOutcome outcome = rig_.Sync(there);
  EXPECT_TRUE(absl::StrContains(outcome.error, "dist did not put it there"))
      << outcome.error;
  EXPECT_TRUE(ViewOf(outside).empty());
  EXPECT_FALSE(Exists(there + "/.dist-stage"));
  RemoveFolder(there);
  RemoveFolder(outside);
}

TEST_F(TargetTest, TakesOverTheSameFilesThatAreThereAlready) {
  const std::string there = NewFolder();
  WriteFile(rig_.Here("a"), "the same");
  WriteFile(there + "/a", "the same");
  Sync(there);
  EXPECT_EQ(last_.sent, 0u);
  EXPECT_EQ(TimeOf(there + "/a"), TimeOf(rig_.Here("a")));
  RemoveFolder(there);
}

TEST_F(TargetTest, FilesBecomeFoldersAndLinksAndBack) {
  const auto file = [&] { WriteFile(rig_.Here("x"), "file"); };
  const auto folder = [&] { WriteFile(rig_.Here("x/y"), "in it"); };
  const auto link = [&] { MakeLink("elsewhere", rig_.Here("x")); };
  const std::function<void()> kinds[] = {file, folder, link};
  for (const auto& from : kinds) {
    for (const auto& to : kinds) {
      RemoveFolder(rig_.Here("x"));
      from();
      Sync();
      RemoveFolder(rig_.Here("x"));
      to();
      EXPECT_EQ(ViewOf(Sync()), ViewOf(rig_.here()));
    }
  }
}

// What grows with the square of the files would not end in time.
// bench/README.md has 100,000 of them.
TEST_F(TargetTest, ManyFilesTakeNoMoreRoundTrips) {
  constexpr int kFiles = 12'000;
  for (int i = 0; i < kFiles; ++i) {
    WriteFile(rig_.Here(absl::StrCat("package", i / 100, "/module", i)),
              absl::StrCat(i));
  }
  Sync();
  EXPECT_EQ(last_.round_trips, 2);
  EXPECT_EQ(last_.done.changed, kFiles + kFiles / 100u);
  WriteFile(rig_.Here("package7/module700"), "changed");
  Sync();
  EXPECT_EQ(last_.done.changed, 1u);
  EXPECT_EQ(last_.sent, 7u);
  Sync();
  EXPECT_EQ(last_.done.changed, 0u);
  EXPECT_EQ(last_.sent, 0u);
}

TEST_F(TargetTest, TheSourceIsNeverFarAhead) {
  std::string noise;
  for (uint32_t i = 0; i < 6'000'000; ++i) {
    noise.append(1, static_cast<char>(i * 2654435761u >> 13));
    noise.append(1, static_cast<char>(i * 40503u >> 7));
  }
  for (const char* name : {"a", "b", "c"})
    WriteFile(rig_.Here(name), noise + name);
  Sync();
  EXPECT_LE(last_.most_ahead, kContentsWindow);
}

TEST_F(TargetTest, ALostLedgerCostsReadingOnly) {
  WriteFile(rig_.Here("a"), "1");
  const std::string tree = Sync();
  ASSERT_EQ(unlink((tree + "/../ledger").c_str()), 0);
  EXPECT_EQ(Sync(), tree);
  EXPECT_EQ(last_.sent, 0u);
}

TEST_F(TargetTest, ADamagedLedgerIsAsGoodAsNone) {
  WriteFile(rig_.Here("a"), "1");
  const std::string tree = Sync();
  std::string ledger = ReadFile(tree + "/../ledger");
  for (size_t i = 0; i < ledger.size(); i += 7) {
    std::string damaged = ledger;
    damaged[i] ^= 0x20;
    WriteFile(tree + "/../ledger", damaged);
    EXPECT_EQ(ViewOf(Sync()), ViewOf(rig_.here())) << i;
  }
}

TEST_F(TargetTest, TheCacheIsPrivate) {
  WriteFile(rig_.Here("a"), "1");
  Sync();
  struct stat info;
  for (const char* name : {"/trees", "/store"}) {
    ASSERT_EQ(stat((rig_.cache() + name).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0700u) << name;
  }
  ASSERT_EQ(chmod(rig_.cache().c_str(), 0777), 0);
  EXPECT_TRUE(absl::StrContains(rig_.Sync().error, "others may write"));
}

}  // namespace
}  // namespace dist
