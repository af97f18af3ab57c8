// Syncs that do not come to their end: cut, killed, without room.
#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/manifest/codec.h"
#include "sync/fd.h"
#include "sync/ledger.h"
#include "tests/support/mounted.h"
#include "tests/support/sync_rig.h"

namespace dist {
namespace {

bool IsMine(const std::string& name) { return name == "mine"; }

class InterruptedTest : public ::testing::Test {
 protected:
  InterruptedTest() {
    WriteFile(there_ + "/mine", "not yours");
    Fill("old");
    EXPECT_EQ(rig_.Sync(there_).error, "");
    old_ = ViewOf(there_, IsMine);
    Fill("new");
    RemoveFolder(rig_.Here("gone"));
    new_ = ViewOf(rig_.here());
  }
  ~InterruptedTest() override { RemoveFolder(there_); }

  void Fill(const std::string& word) {
    for (int i = 0; i < 12; ++i) {
      WriteFile(rig_.Here(absl::StrCat("d", i % 3, "/f", i)),
                absl::StrCat(word, i, std::string(200'000, 'x')));
    }
    WriteFile(rig_.Here("gone/file"), word);
    WriteFile(rig_.Here(word + "/file"), word);
  }

  // Runs `body` in a child process; its exit status, or -1 if it was killed.
  int InChild(const std::function<void()>& body,
              std::function<void(pid_t)> meanwhile = {}) {
    const pid_t child = fork();
    if (child == 0) {
      body();
      _exit(::testing::Test::HasFailure() ? 1 : 0);
    }
    if (meanwhile) meanwhile(child);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  void ExpectTheNextOneWorks() {
    rig_.on_request = nullptr;
    const SyncOutcome outcome = rig_.Sync(there_);
    ASSERT_EQ(outcome.error, "");
    EXPECT_EQ(ViewOf(there_, IsMine), new_);
    EXPECT_EQ(ReadFile(there_ + "/mine"), "not yours");
  }

  const std::string there_ = NewFolder();
  SyncRig rig_;
  TreeView old_;
  TreeView new_;
};

TEST_F(InterruptedTest, ACutLinkLeavesTheOldTreeAndKeepsWhatCame) {
  for (int after = 0;; ++after) {
    SCOPED_TRACE(after);
    int left = after;
    rig_.on_request = [&](SyncRequest*) { return left-- > 0; };
    const SyncOutcome outcome = rig_.Sync(there_);
    if (outcome.error.empty()) break;
    ASSERT_EQ(outcome.error, "cut");
    EXPECT_EQ(ViewOf(there_, IsMine), old_);
    ASSERT_LT(after, 100);
  }
  EXPECT_EQ(ViewOf(there_, IsMine), new_);
}

TEST_F(InterruptedTest, WhatCameBeforeACutDoesNotComeAgain) {
  int left = 6;
  rig_.on_request = [&](SyncRequest*) { return left-- > 0; };
  rig_.Sync(there_);
  rig_.on_request = nullptr;
  const SyncOutcome again = rig_.Sync(there_);
  EXPECT_EQ(again.error, "");
  EXPECT_LT(again.done.received, 12u * 200'000);
}

TEST_F(InterruptedTest, AKilledTargetIsMadeGoodByTheNextOne) {
  for (int after = 1; after < 12; ++after) {
    SCOPED_TRACE(after);
    const int status = InChild([&] {
      int left = after;
      rig_.on_request = [&](SyncRequest*) {
        if (left-- == 0) _exit(77);
        return true;
      };
      rig_.Sync(there_);
    });
    if (status == 77) {
      EXPECT_EQ(ViewOf(there_,
                       [](const std::string& name) {
                         return IsMine(name) || name == ".dist-stage";
                       }),
                old_);
    }
  }
  ExpectTheNextOneWorks();
}

// At any moment, also in the middle of the change of the tree.
TEST_F(InterruptedTest, KilledAtAnyMomentNothingOfTheUsersIsLost) {
  for (int i = 0; i < 60; ++i) {
    SCOPED_TRACE(i);
    Fill(absl::StrCat("round", i % 2));
    RemoveFolder(rig_.Here(absl::StrCat("round", (i + 1) % 2)));
    InChild([&] { rig_.Sync(there_); },
            [&](pid_t child) {
              usleep(static_cast<useconds_t>(i) * 700);
              kill(child, SIGKILL);
            });
    ASSERT_EQ(ReadFile(there_ + "/mine"), "not yours");
  }
  new_ = ViewOf(rig_.here());
  ExpectTheNextOneWorks();
}

// Killed before it had set the time of a file that an unfinished sync had put
// there, too: no ledger has both times.
TEST_F(InterruptedTest, AFileWhoseTimeWasNotSetIsOursNevertheless) {
  const std::string ours = there_ + "/left";
  WriteFile(ours, "content");
  struct stat info;
  ASSERT_EQ(stat(ours.c_str(), &info), 0);
  Entry entry;
  entry.path = "left";
  entry.size = 7;
  entry.digest = DigestOf("content");
  entry.mtime = FactsOf(info).mtime + 1;
  LedgerStamps stamps;
  stamps.AddFile(FactsOf(info));
  for (const auto& at :
       std::filesystem::recursive_directory_iterator(rig_.cache() + "/trees")) {
    if (at.path().filename() != rig_.project) continue;
    const Fd home(open(at.path().parent_path().c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(WriteLedger(home.get(), rig_.project + kIntent,
                            EncodeManifest({{entry}}), stamps)
                    .ok());
  }
  ExpectTheNextOneWorks();
  EXPECT_FALSE(Exists(ours));
}

uint64_t UsedBytes(const std::string& folder) {
  uint64_t used = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) used += entry.file_size();
  }
  return used;
}

TEST_F(InterruptedTest, AFullDiskLeavesWhatWasThere) {
  const std::string disk = NewFolder();
  const bool tested = Mounted(disk, "tmpfs", "size=4m", [&] {
    WriteFile(disk + "/mine", "not yours");
    const SyncOutcome first = rig_.Sync(disk);
    ASSERT_EQ(first.error, "");
    const TreeView before = ViewOf(disk);
    WriteFile(rig_.Here("d0/f0"), std::string(3'000'000, 'a') + "b");
    WriteFile(rig_.Here("a"), std::string(1'000'000, 'b'));
    const SyncOutcome outcome = rig_.Sync(disk);
    EXPECT_TRUE(absl::StrContains(outcome.error, "No space left on device"))
        << outcome.error;
    EXPECT_EQ(ViewOf(disk), before);
    WriteFile(rig_.Here("d0/f0"), "small");
    WriteFile(rig_.Here("a"), "small");
    EXPECT_EQ(rig_.Sync(disk).error, "");
    EXPECT_EQ(ReadFile(disk + "/a"), "small");
  });
  RemoveFolder(disk);
  if (!tested) GTEST_SKIP() << kMountingNeedsRoot;
}

TEST_F(InterruptedTest, AFullDiskDoesNotStayFull) {
  const std::string disk = NewFolder();
  const bool tested = Mounted(disk, "tmpfs", "size=1m", [&] {
    SyncTarget target(disk + "/cache");
    const SyncOutcome outcome = rig_.SyncTo(&target, SnapshotOf(rig_.here()));
    EXPECT_TRUE(absl::StrContains(outcome.error, "No space left on device"))
        << outcome.error;
    EXPECT_LT(UsedBytes(disk), 10'000u);
  });
  RemoveFolder(disk);
  if (!tested) GTEST_SKIP() << kMountingNeedsRoot;
}

TEST_F(InterruptedTest, AReadOnlyFolderIsNamed) {
  const std::string disk = NewFolder();
  const bool tested = Mounted(disk, "tmpfs", "size=1m,ro", [&] {
    const SyncOutcome outcome = rig_.Sync(disk);
    EXPECT_TRUE(absl::StrContains(outcome.error, "Read-only file system"))
        << outcome.error;
  });
  RemoveFolder(disk);
  if (!tested) GTEST_SKIP() << kMountingNeedsRoot;
}

}  // namespace
}  // namespace dist
