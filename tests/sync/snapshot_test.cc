#include "sync/snapshot.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "sync/blocks.h"
#include "sync/cache_home.h"
#include "tests/support/sync_rig.h"

namespace dist {
namespace {

std::string TargetOf(const Snapshot& snapshot, const std::string& path) {
  const auto position = snapshot.manifest().Find(path);
  return position ? snapshot.manifest().At(*position).target : "not there";
}

class SnapshotTest : public ::testing::Test {
 protected:
  ~SnapshotTest() override { RemoveFolder(here_); }

  std::string Here(const std::string& name) const { return here_ + "/" + name; }

  std::vector<std::string> Paths(std::vector<SyncRoot> roots,
                                 IgnoreRules rules = {}) {
    SnapshotRequest request{here_, std::move(roots), std::move(rules)};
    const auto snapshot = Snapshot::Take(request, nullptr);
    EXPECT_TRUE(snapshot.ok()) << snapshot.status();
    std::vector<std::string> paths;
    if (!snapshot.ok()) return paths;
    for (const Entry& entry : (*snapshot)->manifest()) {
      paths.push_back(entry.path);
    }
    return paths;
  }

  using Strings = std::vector<std::string>;
  const std::string here_ = NewFolder();
};

TEST_F(SnapshotTest, LeavesOutWhatIsIgnored) {
  for (const char* name : {"a.py", "a.pyc", ".git/x", "b~", "p/__pycache__/x",
                           "p/c.py", "build/x", "p/build/y"}) {
    WriteFile(Here(name), "x");
  }
  EXPECT_EQ(Paths({{}}, IgnoreRules({"/nowhere", "build"})),
            (Strings{"a.py", "p", "p/c.py"}));
}

TEST_F(SnapshotTest, TakesWhatIsListedOnly) {
  for (const char* name : {"a", "b", "d/a", "d/b", "e/a", "sub/x"}) {
    WriteFile(Here(name), "x");
  }
  EXPECT_EQ(Paths({{"", ListedPaths{"a", "d/a", "gone", "sub"}}}),
            (Strings{"a", "d", "d/a", "sub", "sub/x"}));
}

TEST_F(SnapshotTest, KeepsTheLayoutOfSeveralRoots) {
  for (const char* name : {"a/x", "b/c/x", "b/d/x", "b/conftest.py"}) {
    WriteFile(Here(name), "x");
  }
  EXPECT_EQ(Paths({{"b/c", std::nullopt},
                   {"a", std::nullopt},
                   {"b/conftest.py", std::nullopt},
                   {"b/c/x", std::nullopt}}),
            (Strings{"a", "a/x", "b", "b/c", "b/c/x", "b/conftest.py"}));
}

TEST_F(SnapshotTest, NestedRootsAreOne) {
  WriteFile(Here("d/e/a"), "1");
  WriteFile(Here("d/e/.hidden/b"), "2");
  for (const char* name : {"d/e/pipe", "d/pipe2", "d/pipe3"}) {
    mkfifo(Here(name).c_str(), 0600);
  }
  const auto scan = ScanTree(
      here_, {{"d", {}}, {"d/e", {}}, {"d", {}}, {"d/e/.hidden", {}}}, {});
  ASSERT_TRUE(scan.ok()) << scan.status();
  EXPECT_EQ(scan->files.size(), 2u);
  ASSERT_EQ(scan->warnings.size(), 1u);
  EXPECT_TRUE(absl::EndsWith(scan->warnings[0],
                             " and 2 more are not synced: they are FIFOs"))
      << scan->warnings[0];
}

TEST_F(SnapshotTest, ATimeThatNoClockHasIsTheLastOne) {
  WriteFile(Here("a"), "1");
  const timespec times[2] = {{0, UTIME_OMIT}, {9'223'372'036, 999'999'999}};
  ASSERT_EQ(utimensat(AT_FDCWD, Here("a").c_str(), times, 0), 0);
  const auto snapshot = Snapshot::Take({here_, {{}}, {}}, nullptr);
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  EXPECT_EQ((*snapshot)->manifest().At(0).mtime, INT64_MAX);
}

TEST_F(SnapshotTest, ARootThatDoesNotExistIsAnError) {
  const auto snapshot =
      Snapshot::Take({here_, {{"nowhere", std::nullopt}}, {}}, nullptr);
  EXPECT_TRUE(absl::IsNotFound(snapshot.status())) << snapshot.status();
}

TEST_F(SnapshotTest, AbsoluteLinksIntoTheTreeBecomeRelative) {
  WriteFile(Here("d/a"), "x");
  MakeLink(Here("d/a"), Here("e/f/link"));
  MakeLink(here_, Here("top"));
  const auto snapshot = SnapshotOf(here_);
  EXPECT_EQ(TargetOf(*snapshot, "e/f/link"), "../../d/a");
  EXPECT_EQ(TargetOf(*snapshot, "top"), ".");
  EXPECT_TRUE(snapshot->warnings().empty());
}

TEST_F(SnapshotTest, AFileThatNeverStandsStillIsReported) {
  WriteFile(Here("busy"), std::string(8 << 20, 'x'));
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (int64_t i = 1; !stop; ++i) SetTime(Here("busy"), i);
  });
  // On a busy machine the writer may rest for as long as a read takes.
  absl::Status status;
  for (int i = 0; i < 1000 && status.ok(); ++i) {
    status = Snapshot::Take({here_, {{}}, {}}, nullptr).status();
  }
  stop = true;
  writer.join();
  EXPECT_TRUE(
      absl::StrContains(status.message(), "busy: it changes while it is read"))
      << status;
}

// How often a watched file was closed by who read it.
int Closed(int watch) {
  alignas(inotify_event) char events[4096];
  const ssize_t size = read(watch, events, sizeof(events));
  int closed = 0;
  for (ssize_t at = 0; at < size; at += sizeof(inotify_event)) {
    const auto* event = reinterpret_cast<const inotify_event*>(events + at);
    if ((event->mask & IN_CLOSE_NOWRITE) != 0) ++closed;
  }
  return closed;
}

TEST_F(SnapshotTest, AFileThatChangesOnceWhileItIsReadIsReadAgain) {
  for (int i = 0; i < 100; ++i) {
    WriteFile(Here("busy"), std::string(8 << 20, 'x'));
    const int watch = inotify_init1(IN_CLOEXEC);
    ASSERT_GE(inotify_add_watch(watch, Here("busy").c_str(),
                                IN_OPEN | IN_CLOSE_NOWRITE),
              0);
    std::atomic<bool> stop{false};
    std::thread writer([&] {
      char event[4096];
      (void)!read(watch, event, sizeof(event));
      if (stop) return;
      const int fd = open(Here("busy").c_str(), O_WRONLY | O_CLOEXEC);
      (void)!pwrite(fd, "y", 1, 0);
      close(fd);
    });
    const auto snapshot = Snapshot::Take({here_, {{}}, {}}, nullptr);
    stop = true;
    writer.join();
    ASSERT_TRUE(snapshot.ok()) << snapshot.status();
    const int reads = Closed(watch);
    close(watch);
    // The writer may come too late, or before the first byte is read.
    if (reads < 2) continue;
    EXPECT_EQ((*snapshot)->manifest().At(0).digest,
              DigestOf(ReadFile(Here("busy"))));
    return;
  }
  FAIL() << "it never changed in time";
}

TEST_F(SnapshotTest, WhatIsKnownIsNotReadAgain) {
  WriteFile(Here("a"), "text");
  HashCache cache("", "key");
  struct stat info;
  ASSERT_EQ(stat(Here("a").c_str(), &info), 0);
  // Only a cache that is believed can say this.
  const Digest other = DigestOf("other");
  cache.Add("a", FactsOf(info), other, INT64_MAX);
  EXPECT_EQ(SnapshotOf(here_, &cache)->manifest().At(0).digest, other);
  WriteFile(Here("a"), "new!");
  EXPECT_EQ(SnapshotOf(here_, &cache)->manifest().At(0).digest,
            DigestOf("new!"));
}

TEST_F(SnapshotTest, AFileThatJustChangedIsNotRemembered) {
  WriteFile(Here("a"), "text");
  HashCache cache("", "key");
  SnapshotOf(here_, &cache);
  struct stat info;
  ASSERT_EQ(stat(Here("a").c_str(), &info), 0);
  EXPECT_EQ(cache.Find("a", FactsOf(info)), nullptr);
}

TEST_F(SnapshotTest, HashesSurviveInAFileUnlessItIsDamaged) {
  const FileFacts facts{4, 1, 2, 3};
  {
    HashCache cache(here_, "key");
    cache.Add("a", facts, DigestOf("x"), INT64_MAX);
    cache.set_last_synced("hash");
    cache.Save();
  }
  {
    HashCache cache(here_, "key");
    ASSERT_NE(cache.Find("a", facts), nullptr);
    EXPECT_EQ(*cache.Find("a", facts), DigestOf("x"));
    EXPECT_EQ(cache.last_synced(), "hash");
  }
  std::string bytes = ReadFile(Here("key.hashes"));
  bytes.back() ^= 1;
  WriteFile(Here("key.hashes"), bytes);
  EXPECT_EQ(HashCache(here_, "key").Find("a", facts), nullptr);
}

TEST_F(SnapshotTest, HostsThatLackTheSameGetTheSameBlocks) {
  for (int i = 0; i < 10; ++i) {
    WriteFile(Here(absl::StrCat(i)), std::string(100'000, 'a' + i));
  }
  BlockMaker blocks(SnapshotOf(here_), FrameSyncTold);
  const auto plan = ContentPlan::Make(blocks.snapshot().manifest(), {{0, 10}});
  const auto same = ContentPlan::Make(blocks.snapshot().manifest(), {{0, 10}});
  const auto fewer = ContentPlan::Make(blocks.snapshot().manifest(), {{0, 9}});
  ASSERT_TRUE(plan.ok() && same.ok() && fewer.ok());
  EXPECT_EQ(plan->blocks(), 4u);
  for (uint64_t i = 0; i < 4; ++i) {
    const auto first = blocks.Get(1, *plan, i);
    const auto second = blocks.Get(1, *same, i);
    ASSERT_TRUE(first.ok() && second.ok());
    EXPECT_EQ(first->message, second->message) << "one object";
    EXPECT_EQ(first->size, i < 3 ? kMaxBlock : 1'000'000 - 3 * kMaxBlock);
  }
  EXPECT_EQ(blocks.made(), 4u);
  ASSERT_TRUE(blocks.Get(1, *fewer, 0).ok());
  EXPECT_EQ(blocks.made(), 5u);
  const auto other = blocks.Get(2, *plan, 0);
  ASSERT_TRUE(other.ok());
  EXPECT_NE(other->message, blocks.Get(1, *plan, 0)->message)
      << "another tree of a host";
  ASSERT_EQ(blocks.manifest_parts(), 1u);
  const auto part = blocks.GetManifest(1, 0);
  EXPECT_EQ(part->message, blocks.GetManifest(1, 0)->message);
  EXPECT_EQ(part->sent, 0u) << "the window is that of contents";
}

}  // namespace
}  // namespace dist
