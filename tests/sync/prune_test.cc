// What is removed from a cache home, and what must not be.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/time/clock.h"
#include "core/manifest/digest.h"
#include "sync/store.h"
#include "sync/target.h"
#include "tests/support/sync_rig.h"

namespace dist {
namespace {

constexpr absl::Duration kDay = absl::Hours(24);

class PruneTest : public ::testing::Test {
 protected:
  PruneTest() { WriteFile(rig_.Here("file"), "content"); }

  // The tree that a sync has made.
  std::string Tree() {
    const SyncOutcome outcome = rig_.Sync();
    EXPECT_EQ(outcome.error, "");
    return outcome.done.path;
  }

  void PruneIn(absl::Duration time) {
    PruneCacheHome(rig_.cache(), absl::Now() + time);
  }

  SyncRig rig_;
};

TEST_F(PruneTest, ATreeLastsAMonthAfterItsLastUse) {
  const std::string tree = Tree();
  PruneIn(29 * kDay);
  EXPECT_TRUE(Exists(tree + "/file"));
  RemoveFolder(rig_.cache() + "/pruned");
  PruneIn(31 * kDay);
  EXPECT_FALSE(Exists(tree));
  EXPECT_FALSE(Exists(rig_.cache() + "/trees/" + rig_.project));
  EXPECT_TRUE(Exists(Tree() + "/file")) << "it can be made again";
}

TEST_F(PruneTest, ATreeInUseStaysHoweverOld) {
  SyncTarget user(rig_.cache());
  const SyncOutcome outcome = rig_.SyncTo(&user, SnapshotOf(rig_.here()));
  ASSERT_EQ(outcome.error, "");
  PruneIn(400 * kDay);
  EXPECT_TRUE(Exists(outcome.done.path + "/file"));
}

TEST_F(PruneTest, FilesOfAFolderOfTheUsersStay) {
  const std::string there = NewFolder();
  ASSERT_EQ(rig_.Sync(there).error, "");
  PruneIn(31 * kDay);
  EXPECT_TRUE(Exists(there + "/file"));
  // Its ledger is gone: the next sync takes what is there for the user's.
  ASSERT_EQ(rig_.Sync(there).error, "");
  EXPECT_EQ(ReadFile(there + "/file"), "content");
  RemoveFolder(there);
}

TEST_F(PruneTest, OnceADayIsEnough) {
  const std::string tree = Tree();
  PruneIn(absl::ZeroDuration());
  SetTime(rig_.cache() + "/pruned",
          absl::ToUnixNanos(absl::Now() + 31 * kDay - absl::Hours(23)));
  PruneIn(31 * kDay);
  EXPECT_TRUE(Exists(tree + "/file"));
  SetTime(rig_.cache() + "/pruned",
          absl::ToUnixNanos(absl::Now() + 31 * kDay - absl::Hours(25)));
  PruneIn(31 * kDay);
  EXPECT_FALSE(Exists(tree));
}

TEST_F(PruneTest, StrangeThingsInTheCacheHomeDoNoHarm) {
  const std::string outside = NewFolder();
  WriteFile(outside + "/0/lock", "");
  WriteFile(outside + "/0/mine", "x");
  Tree();
  MakeLink(outside, rig_.cache() + "/trees/" + std::string(32, 'f'));
  WriteFile(rig_.cache() + "/trees/file", "x");
  MakeFolder(rig_.cache() + "/trees/" + std::string(32, 'e') + "/no-lock");
  PruneIn(31 * kDay);
  EXPECT_EQ(ReadFile(outside + "/0/mine"), "x");
  RemoveFolder(outside);
}

class StorePruneTest : public ::testing::Test {
 protected:
  StorePruneTest()
      : folder_(open(home_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
        store_(Store::Open(folder_.get()).value()) {}
  ~StorePruneTest() override { RemoveFolder(home_); }

  // Puts a content of some 8 KiB there that was last used so long ago.
  Digest Put(char c, absl::Duration ago) {
    const std::string content(8192, c);
    const Digest digest = DigestOf(content);
    WriteFile(home_ + "/new", content);
    store_.MoveIn(folder_.get(), "new", digest);
    const std::string hex = digest.Hex();
    SetTime(home_ + "/store/" + hex.substr(0, 2) + "/" + hex.substr(2),
            absl::ToUnixNanos(absl::Now() - ago));
    return digest;
  }
  bool Has(const Digest& digest) const {
    const std::string hex = digest.Hex();
    return Exists(home_ + "/store/" + hex.substr(0, 2) + "/" + hex.substr(2));
  }

  const std::string home_ = NewFolder();
  const Fd folder_;
  Store store_;
};

TEST_F(StorePruneTest, ByAge) {
  const Digest old = Put('a', 31 * kDay);
  const Digest young = Put('b', 29 * kDay);
  store_.Prune(30 * kDay, 1 << 30, absl::Now());
  EXPECT_FALSE(Has(old));
  EXPECT_TRUE(Has(young));
}

TEST_F(StorePruneTest, BySizeTheLongestUnusedFirst) {
  const Digest first = Put('a', 3 * kDay);
  const Digest second = Put('b', 1 * kDay);
  const Digest third = Put('c', 2 * kDay);
  store_.Prune(30 * kDay, 2 * 8192, absl::Now());
  EXPECT_FALSE(Has(first));
  EXPECT_TRUE(Has(second));
  EXPECT_TRUE(Has(third));
  store_.Prune(30 * kDay, 0, absl::Now());
  EXPECT_FALSE(Has(second));
}

TEST_F(StorePruneTest, UseMakesYoung) {
  const Digest used = Put('a', 31 * kDay);
  ASSERT_TRUE(store_.Find(used).ok());
  store_.Prune(30 * kDay, 1 << 30, absl::Now());
  EXPECT_TRUE(Has(used));
}

TEST_F(StorePruneTest, AContentThatIsBeingReadCanBeReadToItsEnd) {
  const Digest digest = Put('a', 31 * kDay);
  const auto fd = store_.Find(digest);
  ASSERT_TRUE(fd.ok());
  store_.Prune(30 * kDay, 0, absl::Now());
  EXPECT_FALSE(Has(digest));
  std::string bytes;
  ASSERT_TRUE(ReadWhole(fd->get(), 1 << 20, "it", &bytes).ok());
  EXPECT_EQ(bytes, std::string(8192, 'a'));
}

}  // namespace
}  // namespace dist
