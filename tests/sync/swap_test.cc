// A tree of our own is the old one or the new one, whenever the run is killed.
#include "sync/swap.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/manifest/ignore.h"
#include "sync/ledger.h"
#include "sync/tree_slot.h"
#include "tests/support/kill_points.h"
#include "tests/support/link_swapper.h"
#include "tests/support/mounted.h"
#include "tests/support/sync_rig.h"

namespace dist {
namespace {

ino_t Inode(const std::string& path) {
  struct stat info = {};
  EXPECT_EQ(lstat(path.c_str(), &info), 0) << path;
  return info.st_ino;
}

// What is synced; no view if there is no tree.
TreeView Synced(const std::string& tree) {
  if (!Exists(tree)) return {};
  return ViewOf(tree,
                [](const std::string& name) { return IsAlwaysIgnored(name); });
}

// A change of the files here, which `old` has filled.
struct Change {
  std::string name;
  std::function<void(const std::string& here)> make;
  // What tests have done in the tree meanwhile.
  std::function<void(const std::string& tree)> meanwhile = {};
};

void Remove(const std::string& path) { RemoveFolder(path); }

void FillOld(const std::string& here) {
  for (const char* path : {"a.py", "p/b.py", "p/q/c.py", "p/q/d.py", "r/e.py",
                           "r/s/f.py", "gone/g.py"}) {
    WriteFile(absl::StrCat(here, "/", path), absl::StrCat("old ", path));
    SetTime(absl::StrCat(here, "/", path), 1'000'000'000'000'000'001);
  }
  MakeLink("a.py", here + "/link");
  MakeLink("../a.py", here + "/p/link");
}

const Change kChanges[] = {
    {"OneFile", [](const auto& f) { WriteFile(f + "/p/b.py", "new"); }},
    {"OneNewFile", [](const auto& f) { WriteFile(f + "/p/n.py", "new"); }},
    {"OneFileGone", [](const auto& f) { Remove(f + "/p/b.py"); }},
    {"OneMode", [](const auto& f) { chmod((f + "/p/b.py").c_str(), 0755); }},
    {"OneLink",
     [](const auto& f) {
       Remove(f + "/link");
       MakeLink("p", f + "/link");
     }},
    {"OneFolderGone", [](const auto& f) { Remove(f + "/p"); }},
    {"OneNewFolder",
     [](const auto& f) {
       WriteFile(f + "/n/a.py", "new");
       WriteFile(f + "/n/m/b.py", "new");
     }},
    {"AFolderForAFile",
     [](const auto& f) {
       Remove(f + "/a.py");
       WriteFile(f + "/a.py/in", "new");
     }},
    {"AFileForAFolder",
     [](const auto& f) {
       Remove(f + "/p");
       WriteFile(f + "/p", "new");
     }},
    {"TwoFilesOfOneFolder",
     [](const auto& f) {
       WriteFile(f + "/p/q/c.py", "new");
       WriteFile(f + "/p/q/d.py", "new, too");
     }},
    {"AllOver",
     [](const auto& f) {
       WriteFile(f + "/a.py", "new");
       WriteFile(f + "/p/q/c.py", "new c");
       WriteFile(f + "/r/s/n.py", "new n");
       WriteFile(f + "/twin.py", "new n");
       chmod((f + "/r/e.py").c_str(), 0755);
       chmod((f + "/r/s").c_str(), 0700);
       SetTime(f + "/p/b.py", 1'000'000'000'000'000'002);
       Remove(f + "/gone");
       Remove(f + "/link");
       WriteFile(f + "/link", "now a file");
       MakeFolder(f + "/empty");
     }},
    {"AfterTestsWroteThere",
     [](const auto& f) {
       WriteFile(f + "/a.py", "new");
       WriteFile(f + "/r/s/f.py", "new");
     },
     [](const auto& tree) {
       WriteFile(tree + "/p/q/d.py", "changed by a test");
       Remove(tree + "/r/e.py");
       Remove(tree + "/gone");
       WriteFile(tree + "/gone", "a file by a test");
     }},
};

class SwapTest : public ::testing::Test {
 protected:
  static void Make(const std::string& change, const std::string& here) {
    for (const Change& known : kChanges) {
      if (known.name == change) return known.make(here);
    }
    FAIL() << change;
  }

  static void Keep(const std::string& tree) {
    WriteFile(tree + "/.cache/x", "kept");
    for (const char* folder : {"/r/s", "/p/q"}) {
      if (!Exists(tree + folder)) continue;
      WriteFile(absl::StrCat(tree, folder, "/__pycache__/c.cpython-311.pyc"),
                "bytecode of c");
    }
  }
};

class KilledSwap
    : public SwapTest,
      public ::testing::WithParamInterface<std::tuple<Change, bool>> {};

// Times of files that stay are set one by one, and are no contents.
TreeView WithoutTimeOf(TreeView view, const std::string& path) {
  const auto found = view.find(path);
  if (found == view.end() || !absl::StartsWith(found->second, "file ")) {
    return view;
  }
  std::vector<std::string> words = absl::StrSplit(found->second, ' ');
  words[2] = "";
  found->second = absl::StrJoin(words, " ");
  return view;
}

TEST_P(KilledSwap, LeavesTheOldTreeOrTheNewOne) {
  const auto& [change, no_exchange] = GetParam();
  int old_trees = 0, new_trees = 0;
  for (int step = 0;; ++step) {
    SCOPED_TRACE(step);
    ASSERT_LT(step, 1000);
    SyncRig rig;
    FillOld(rig.here());
    const std::string tree = rig.Sync().done.path;
    Keep(tree);
    if (change.meanwhile) change.meanwhile(tree);
    const TreeView old = Synced(tree);
    change.make(rig.here());
    const auto snapshot = SnapshotOf(rig.here());
    const KillResult result = RunAndKill({step, no_exchange}, [&] {
      SyncTarget target(rig.cache());
      EXPECT_EQ(rig.SyncTo(&target, snapshot).error, "");
    });
    if (result == KillResult::kCannot) {
      GTEST_SKIP() << kCannotTrace;
    }
    ASSERT_NE(result, KillResult::kFailed);
    if (no_exchange) {
      // Between two renames there is neither: whoever takes the tree repairs.
      ASSERT_TRUE(TreeSlot::Claim(rig.cache(), rig.project, "").ok());
    }
    const TreeView now = WithoutTimeOf(Synced(tree), "p/b.py");
    const TreeView wanted = WithoutTimeOf(ViewOf(rig.here()), "p/b.py");
    const bool is_old = now == WithoutTimeOf(old, "p/b.py");
    const bool is_new = now == wanted;
    ASSERT_TRUE(is_old || is_new) << ::testing::PrintToString(now);
    (is_new ? new_trees : old_trees) += 1;
    ASSERT_EQ(rig.Sync().error, "");
    EXPECT_EQ(Synced(tree), ViewOf(rig.here()));
    EXPECT_EQ(ReadFile(tree + "/.cache/x"), "kept");
    if (Exists(tree + "/p/q/c.py")) {
      EXPECT_EQ(ReadFile(tree + "/p/q/__pycache__/c.cpython-311.pyc"),
                "bytecode of c");
    }
    EXPECT_FALSE(Exists(tree + "/../stage"));
    if (result == KillResult::kDone) break;
  }
  EXPECT_GT(old_trees, 3);
  EXPECT_GT(new_trees, 1);
}

INSTANTIATE_TEST_SUITE_P(All, KilledSwap,
                         ::testing::Combine(::testing::ValuesIn(kChanges),
                                            ::testing::Bool()),
                         [](const auto& info) {
                           return std::get<0>(info.param).name +
                                  (std::get<1>(info.param) ? "InTwoSteps" : "");
                         });

TEST_F(SwapTest, AFirstSyncThatIsKilledLeavesNoTreeOrAllOfIt) {
  for (int step = 0;; ++step) {
    SCOPED_TRACE(step);
    ASSERT_LT(step, 1000);
    SyncRig rig;
    FillOld(rig.here());
    const auto snapshot = SnapshotOf(rig.here());
    const KillResult result = RunAndKill({step}, [&] {
      SyncTarget target(rig.cache());
      EXPECT_EQ(rig.SyncTo(&target, snapshot).error, "");
    });
    if (result == KillResult::kCannot) {
      GTEST_SKIP() << kCannotTrace;
    }
    ASSERT_NE(result, KillResult::kFailed);
    const std::string tree =
        absl::StrCat(rig.cache(), "/trees/", rig.project, "/0/tree");
    if (Exists(tree)) {
      EXPECT_EQ(ViewOf(tree), ViewOf(rig.here()));
    }
    ASSERT_EQ(rig.Sync().error, "");
    EXPECT_EQ(ViewOf(tree), ViewOf(rig.here()));
    EXPECT_FALSE(Exists(tree + "/../first"));
    if (result == KillResult::kDone) break;
  }
}

// A second kill meets what the first one has left.
TEST_F(SwapTest, KilledTwiceItIsStillOneOfTheTrees) {
  for (int step = 0; step < 63; step += 9) {
    for (int again = 0; again < 65; again += 13) {
      SCOPED_TRACE(absl::StrCat(step, " ", again));
      SyncRig rig;
      FillOld(rig.here());
      const std::string tree = rig.Sync().done.path;
      const TreeView first = Synced(tree);
      const auto change = [&](const std::string& word) {
        for (const char* path : {"/a.py", "/p/q/c.py", "/r/s/f.py"}) {
          WriteFile(rig.here() + path, word + path);
        }
        Remove(rig.here() + "/second");
        WriteFile(absl::StrCat(rig.here(), "/", word, "/x"), word);
      };
      const auto sync_and_kill = [&](int at) {
        const auto snapshot = SnapshotOf(rig.here());
        return RunAndKill({at}, [&] {
          SyncTarget target(rig.cache());
          rig.SyncTo(&target, snapshot);
        });
      };
      change("second");
      const TreeView second = ViewOf(rig.here());
      if (sync_and_kill(step) == KillResult::kCannot) {
        GTEST_SKIP() << kCannotTrace;
      }
      const TreeView before = Synced(tree);
      EXPECT_TRUE(before == first || before == second);
      change("third");
      sync_and_kill(again);
      const TreeView after = Synced(tree);
      EXPECT_TRUE(after == before || after == ViewOf(rig.here()))
          << ::testing::PrintToString(after);
    }
  }
}

TEST_F(SwapTest, OneChangedFileCostsNoCopyOfItsFolder) {
  SyncRig rig;
  FillOld(rig.here());
  const std::string tree = rig.Sync().done.path;
  const ino_t folder = Inode(tree + "/p"), other = Inode(tree + "/p/q/c.py");
  WriteFile(rig.Here("p/b.py"), "new");
  ASSERT_EQ(rig.Sync().error, "");
  EXPECT_EQ(Inode(tree + "/p"), folder);
  EXPECT_EQ(Inode(tree + "/p/q/c.py"), other);
  struct stat info;
  ASSERT_EQ(stat((tree + "/p/q/c.py").c_str(), &info), 0);
  EXPECT_EQ(info.st_nlink, 1u);
}

TEST_F(SwapTest, OnlyTheFolderThatAllChangesAreInIsMadeAnew) {
  SyncRig rig;
  FillOld(rig.here());
  const std::string tree = rig.Sync().done.path;
  const ino_t above = Inode(tree + "/p"), beside = Inode(tree + "/r");
  const ino_t itself = Inode(tree + "/p/q");
  WriteFile(rig.Here("p/q/c.py"), "new");
  WriteFile(rig.Here("p/q/d.py"), "new, too");
  ASSERT_EQ(rig.Sync().error, "");
  EXPECT_EQ(Inode(tree + "/p"), above);
  EXPECT_EQ(Inode(tree + "/r"), beside);
  EXPECT_NE(Inode(tree + "/p/q"), itself);
}

// Links come and go; if the ledger did not know, all would be read again.
TEST_F(SwapTest, TheLedgerKnowsWhatStayed) {
  SyncRig rig;
  FillOld(rig.here());
  rig.Sync();
  Make("AllOver", rig.here());
  const std::string tree = rig.Sync().done.path;
  const int home = open((tree + "/..").c_str(), O_RDONLY | O_CLOEXEC);
  const Ledger ledger = ReadLedger(home, "ledger");
  close(home);
  ASSERT_FALSE(ledger.manifest->empty());
  uint32_t position = 0;
  for (const Entry& entry : *ledger.manifest) {
    const uint32_t i = position++;
    if (entry.type != EntryType::kFile) continue;
    struct stat info;
    ASSERT_EQ(lstat((tree + "/" + entry.path).c_str(), &info), 0);
    EXPECT_TRUE(ledger.FactsOfFile(i, entry) == FactsOf(info)) << entry.path;
    EXPECT_EQ(info.st_nlink, 1u) << entry.path;
  }
}

TEST_F(SwapTest, WhatIsIgnoredComesAlong) {
  SyncRig rig;
  FillOld(rig.here());
  const std::string tree = rig.Sync().done.path;
  Keep(tree);
  WriteFile(tree + "/p/q/__pycache__/d.cpython-311.pyc", "stale");
  WriteFile(tree + "/gone/.cache/x", "goes with its folder");
  const ino_t cache = Inode(tree + "/.cache");
  WriteFile(rig.Here("a.py"), "new");
  Remove(rig.Here("p/q/d.py"));
  Remove(rig.Here("gone"));
  ASSERT_EQ(rig.Sync().error, "");
  EXPECT_EQ(Inode(tree + "/.cache"), cache);
  EXPECT_TRUE(Exists(tree + "/p/q/__pycache__/c.cpython-311.pyc"));
  EXPECT_FALSE(Exists(tree + "/p/q/__pycache__/d.cpython-311.pyc"));
  EXPECT_FALSE(Exists(tree + "/r/s/__pycache__/c.cpython-311.pyc"));
  EXPECT_FALSE(Exists(tree + "/gone"));
}

TEST_F(SwapTest, WhatTheTreeGivesUpIsInTheStore) {
  SyncRig rig;
  FillOld(rig.here());
  rig.Sync();
  WriteFile(rig.Here("a.py"), "new");
  Remove(rig.Here("p/q"));
  ASSERT_EQ(rig.Sync().error, "");
  WriteFile(rig.Here("a.py"), "old a.py");
  WriteFile(rig.Here("p/q/c.py"), "old p/q/c.py");
  const SyncOutcome back = rig.Sync();
  EXPECT_EQ(back.error, "");
  EXPECT_EQ(back.done.received, 0u);
}

// A file that was to stay and turns into something else meanwhile.
TEST_F(SwapTest, WhoeverWritesMeanwhileIsNoticed) {
  SyncRig rig;
  FillOld(rig.here());
  const std::string tree = rig.Sync().done.path;
  WriteFile(rig.Here("a.py"), "new");
  WriteFile(rig.Here("r/s/f.py"), "new");
  rig.on_request = [&](SyncRequest* request) {
    if (std::holds_alternative<SendContents>(*request)) {
      WriteFile(tree + "/p/q/c.py", "a test that still runs");
    }
    return true;
  };
  EXPECT_EQ(rig.Sync().error, "p/q/c.py was changed by another program");
  rig.on_request = nullptr;
  ASSERT_EQ(rig.Sync().error, "");
  EXPECT_EQ(ViewOf(tree), ViewOf(rig.here()));
}

// Somebody swaps a folder for a link to a folder of theirs, all the time.
TEST_F(SwapTest, NoLinkThatAppearsMeanwhileIsFollowed) {
  SyncRig rig;
  const std::string outside = NewFolder();
  WriteFile(outside + "/old", "precious");
  WriteFile(outside + "/e/f1", "precious");
  for (int i = 0; i < 40; ++i) {
    WriteFile(rig.Here(absl::StrCat("d/e/f", i)), absl::StrCat(i));
  }
  const std::string tree = rig.Sync().done.path;
  const TreeView theirs = ViewOf(outside);
  LinkSwapper attacker(tree + "/d", outside);
  for (int i = 0; i < 60 || attacker.swaps() < 100; ++i) {
    WriteFile(rig.Here("d/e/f1"), absl::StrCat("round ", i));
    WriteFile(rig.Here(absl::StrCat("d/g", i % 3)), absl::StrCat(i));
    rig.Sync();
  }
  attacker.Stop();
  EXPECT_EQ(ViewOf(outside), theirs);
  RemoveFolder(outside);
}

// Whatever the disk has no room for, from a content to a folder's entries.
TEST_F(SwapTest, AFullDiskLeavesTheOldTree) {
  const std::string disk = NewFolder();
  for (int left = 0; left < 40; ++left) {
    SCOPED_TRACE(left);
    SyncRig rig;
    FillOld(rig.here());
    const bool tested = Mounted(disk, "tmpfs", "size=1m", [&] {
      const auto sync = [&] {
        SyncTarget target(disk + "/cache");
        return rig.SyncTo(&target, SnapshotOf(rig.here()));
      };
      const SyncOutcome first = sync();
      ASSERT_EQ(first.error, "");
      const std::string tree = first.done.path;
      const TreeView old = ViewOf(tree);
      Make("AllOver", rig.here());
      {
        const int fd = open((disk + "/filler").c_str(),
                            O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        const std::string page(4096, 'x');
        while (write(fd, page.data(), page.size()) > 0) {
        }
        off_t size = lseek(fd, 0, SEEK_END);
        ASSERT_EQ(ftruncate(fd, size - left * 4096), 0);
        close(fd);
      }
      const SyncOutcome outcome = sync();
      if (outcome.error.empty()) {
        EXPECT_EQ(ViewOf(tree), ViewOf(rig.here()));
        _exit(0);
      }
      EXPECT_TRUE(absl::StrContains(outcome.error, "No space left on device"))
          << outcome.error;
      EXPECT_TRUE(WithoutTimeOf(ViewOf(tree), "p/b.py") ==
                      WithoutTimeOf(old, "p/b.py") ||
                  ViewOf(tree) == ViewOf(rig.here()));
      EXPECT_FALSE(Exists(tree + "/../stage"));
      ASSERT_EQ(unlink((disk + "/filler").c_str()), 0);
      EXPECT_EQ(sync().error, "");
      EXPECT_EQ(ViewOf(tree), ViewOf(rig.here()));
    });
    if (!tested) {
      RemoveFolder(disk);
      GTEST_SKIP() << kMountingNeedsRoot;
    }
  }
  RemoveFolder(disk);
}

// There, a folder of a lower layer cannot be renamed.
TEST_F(SwapTest, ATreeInALowerLayerIsChangedInPlace) {
  SyncRig rig;
  FillOld(rig.here());
  rig.Sync();
  const std::string disk = NewFolder();
  // Folders that go need more of an overlayfs than a sandbox may have.
  Make("TwoFilesOfOneFolder", rig.here());
  WriteFile(rig.Here("a.py"), "new");
  chmod(rig.Here("r/e.py").c_str(), 0755);
  const bool tested = Mounted(disk, "tmpfs", "size=8m", [&] {
    for (const char* name : {"/upper", "/work", "/merged"}) {
      MakeFolder(disk + name);
    }
    if (mount("overlay", (disk + "/merged").c_str(), "overlay", 0,
              absl::StrCat("lowerdir=", rig.cache(), ",upperdir=", disk,
                           "/upper,workdir=", disk, "/work")
                  .c_str()) != 0) {
      _exit(kCannotMount);
    }
    chmod((disk + "/merged").c_str(), 0700);
    for (int i = 0; i < 2; ++i) {
      SyncTarget target(disk + "/merged");
      const SyncOutcome outcome = rig.SyncTo(&target, SnapshotOf(rig.here()));
      ASSERT_EQ(outcome.error, "");
      EXPECT_EQ(ViewOf(outcome.done.path), ViewOf(rig.here()));
      EXPECT_EQ(outcome.done.changed == 0, i == 1);
    }
  });
  RemoveFolder(disk);
  if (!tested) GTEST_SKIP() << kMountingNeedsRoot;
}

}  // namespace
}  // namespace dist
