// Fetching: what is gathered, and what a lying host can make us write.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include "sync/artifacts_folder.h"
#include "sync/coverage_files.h"
#include "sync/gather.h"
#include "sync/target.h"
#include "tests/support/sync_rig.h"

namespace dist {
namespace {

class GatherTest : public ::testing::Test {
 protected:
  ~GatherTest() override { RemoveFolder(folder_); }

  // Paths that are gathered, with a space behind each.
  std::string Paths(std::vector<std::string> globs, uint64_t bytes = 1000,
                    uint32_t files = 100) {
    auto gathered = Gather({folder_, std::move(globs), bytes, files});
    if (!gathered.ok()) return std::string(gathered.status().message());
    notes_ = gathered->notes;
    std::string paths;
    if (gathered->snapshot == nullptr) return paths;
    for (const Entry& entry : gathered->snapshot->manifest()) {
      if (entry.type != EntryType::kFolder) paths += entry.path + " ";
    }
    return paths;
  }

  const std::string folder_ = NewFolder();
  std::vector<std::string> notes_;
};

TEST_F(GatherTest, GlobsPickNamesOrPaths) {
  for (const char* path : {"/a.png", "/d/b.png", "/d/e/c.txt", "/.hidden"}) {
    WriteFile(folder_ + path, "x");
  }
  EXPECT_EQ(Paths({"*.png"}), "a.png d/b.png ");
  EXPECT_EQ(Paths({"d/*"}), "d/b.png ");
  EXPECT_EQ(Paths({"d/**"}), "d/b.png d/e/c.txt ");
  EXPECT_EQ(Paths({"**"}), ".hidden a.png d/b.png d/e/c.txt ");
  EXPECT_EQ(Paths({"*.jpg"}), "");
  EXPECT_EQ(Paths({}), "");
}

TEST_F(GatherTest, WhatTheDeadLeftGetsItsTestsName) {
  const std::string worker = folder_ + "/gw0/";
  const auto left = [&](const std::string& pid, const std::string& note) {
    WriteFile(worker + ".name-" + pid, note + std::string(20, '\n'));
    WriteFile(worker + ".kept-" + pid + "/x", "x");
  };
  left("1", "t.py_test_a");
  left("2", "t.py_test_a");
  left("3", "../../escapes");
  left("4", "");
  WriteFile(worker + ".name-5", "t.py_test_b");
  mkdir((worker + ".kept-5").c_str(), 0700);  // Nothing was kept.
  mkfifo((worker + ".name-6").c_str(), 0600);
  ArtifactsFolder::NameRemains(folder_);
  // Without a name of its own it still comes.
  EXPECT_EQ(Paths({"**"}),
            "gw0/.kept-3/x gw0/.kept-4/x gw0/t.py_test_a/x "
            "gw0/t.py_test_a-2/x ");
}

TEST_F(GatherTest, LinksAndSpecialsStay) {
  WriteFile(folder_ + "/file", "x");
  MakeLink("/etc/passwd", folder_ + "/link");
  MakeLink("/etc", folder_ + "/folder");
  mkfifo((folder_ + "/pipe").c_str(), 0600);
  EXPECT_EQ(Paths({"**"}), "file ");
}

TEST_F(GatherTest, WhatExceedsALimitIsSaid) {
  WriteFile(folder_ + "/a", std::string(600, 'x'));
  WriteFile(folder_ + "/b", std::string(600, 'x'));
  WriteFile(folder_ + "/c", std::string(400, 'x'));
  EXPECT_EQ(Paths({"**"}), "a c ");
  ASSERT_EQ(notes_.size(), 1u);
  EXPECT_EQ(notes_[0].substr(0, 40),
            "1 file of 600 bytes left there: at most ");
  EXPECT_EQ(Paths({"**"}, 10'000, 2), "a b ");
  ASSERT_EQ(notes_.size(), 1u);
}

// A program that a test has left behind writes on.
TEST_F(GatherTest, OfAFileThatGrowsComesWhatIsThere) {
  WriteFile(folder_ + "/quiet", "quiet");
  WriteFile(folder_ + "/log", std::string(3 << 20, 'x'));
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    const Fd fd(
        open((folder_ + "/log").c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
    while (!stop) (void)!write(fd.get(), "more", 4);
  });
  SyncRig rig;
  for (int i = 0; i < 5; ++i) {
    const auto gathered = Gather({folder_, {"**"}, 1 << 30, 100});
    ASSERT_TRUE(gathered.ok()) << gathered.status();
    EXPECT_EQ(gathered->notes.size(), 0u);
    SyncTarget target(rig.cache());
    const SyncOutcome came = rig.SyncTo(&target, gathered->snapshot);
    ASSERT_EQ(came.error, "");
    EXPECT_EQ(ReadFile(came.done.path + "/quiet"), "quiet");
    EXPECT_GE(ReadFile(came.done.path + "/log").size(), 3u << 20);
  }
  stop = true;
  writer.join();
}

TEST_F(GatherTest, AFileThatNeverStandsStillIsLeftOut) {
  WriteFile(folder_ + "/quiet", "quiet");
  WriteFile(folder_ + "/busy", std::string(8 << 20, 'x'));
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (int64_t i = 1; !stop; ++i) SetTime(folder_ + "/busy", i);
  });
  std::string paths;
  // On a busy machine the writer may rest for as long as a read takes.
  for (int i = 0; i < 1000 && paths != "quiet "; ++i) {
    paths = Paths({"**"}, 1 << 30);
  }
  stop = true;
  writer.join();
  EXPECT_EQ(paths, "quiet ");
  ASSERT_EQ(notes_.size(), 1u);
  EXPECT_EQ(notes_[0], "left out: busy: it changes while it is read");
}

// What is gathered is sent later, and a process may live on that removes it.
class LateTest : public GatherTest {
 protected:
  ~LateTest() override { RemoveFolder(there_); }

  // Gathers, has `change` happen, and fetches; the warnings.
  std::vector<std::string> Fetch(const std::function<void()>& change) {
    const auto gathered = Gather({folder_, {"**"}, 1 << 30, 100});
    EXPECT_TRUE(gathered.ok()) << gathered.status();
    change();
    SyncTarget::Limits limits;
    limits.leave_out_wrong = true;
    SyncTarget target(rig_.cache(), limits);
    const SyncOutcome came = rig_.SyncTo(&target, gathered->snapshot, there_);
    EXPECT_EQ(came.error, "");
    return came.done.warnings;
  }
  std::string There() const {
    std::string paths;
    for (const auto& [path, view] : ViewOf(there_)) paths += path + " ";
    return paths;
  }

  SyncRig rig_;
  const std::string there_ = NewFolder();
};

TEST_F(LateTest, WhatIsGoneOrChangedIsLeftOutAndTheRestComes) {
  const std::string large(600 << 10, 'l');
  for (const char* name : {"/a", "/gone", "/grows", "/other", "/short", "/z"}) {
    WriteFile(folder_ + name, name + large);
  }
  WriteFile(folder_ + "/folder/x", "x");
  WriteFile(folder_ + "/twin1", "twin");
  WriteFile(folder_ + "/twin2", "twin");
  const auto warnings = Fetch([&] {
    RemoveFolder(folder_ + "/gone");
    WriteFile(folder_ + "/grows", "/grows" + large + "more");
    WriteFile(folder_ + "/other", "/other" + std::string(600 << 10, 'm'));
    WriteFile(folder_ + "/short", "/short");
    RemoveFolder(folder_ + "/folder");
    RemoveFolder(folder_ + "/twin1");
  });
  EXPECT_EQ(There(), "a folder grows twin1 twin2 z ");
  EXPECT_EQ(ReadFile(there_ + "/grows"), "/grows" + large);
  EXPECT_EQ(ReadFile(there_ + "/z"), "/z" + large);
  EXPECT_EQ(warnings, (std::vector<std::string>{
                          "left out: folder/x, gone, other and 1 more: they "
                          "were changed or removed while they were fetched"}));
}

TEST_F(LateTest, WhatCameOfItBeforeGoes) {
  // Large enough for a delta.
  const std::string large(2 << 20, 'l');
  WriteFile(folder_ + "/gone", "1");
  WriteFile(folder_ + "/other", large);
  EXPECT_TRUE(Fetch([] {}).empty());
  EXPECT_EQ(There(), "gone other ");
  WriteFile(folder_ + "/gone", "2");
  WriteFile(folder_ + "/other", large + "2");
  WriteFile(folder_ + "/stays", "3");
  EXPECT_EQ(Fetch([&] {
              RemoveFolder(folder_ + "/gone");
              WriteFile(folder_ + "/other", large + "3");
            }).size(),
            1u);
  EXPECT_EQ(There(), "stays ");
  // And the next time all is as if nothing had been.
  WriteFile(folder_ + "/gone", "4");
  EXPECT_TRUE(Fetch([] {}).empty());
  EXPECT_EQ(There(), "gone other stays ");
  EXPECT_EQ(ReadFile(there_ + "/other"), large + "3");
}

TEST_F(GatherTest, CoverageOfEarlierRunsStays) {
  WriteFile(folder_ + "/.coverage.host.1.abc", "x");
  struct stat info;
  ASSERT_EQ(stat((folder_ + "/.coverage.host.1.abc").c_str(), &info), 0);
  const int64_t changed = FactsOf(info).ctime;
  const auto count = [&](std::vector<std::string> globs, int64_t since) {
    const auto gathered = Gather({folder_, std::move(globs), 1000, 100, since});
    if (!gathered.ok() || gathered->snapshot == nullptr) return uint32_t{0};
    return gathered->snapshot->manifest().size();
  };
  EXPECT_EQ(count({kCoverageFiles}, changed), 1u);
  EXPECT_EQ(count({kCoverageFiles}, changed + 1), 0u);
  EXPECT_EQ(count({kCoverageFiles, ".*"}, changed + 1), 1u) << "asked for";
}

TEST_F(GatherTest, AFolderThatIsGoneIsAnError) {
  auto gathered = Gather({folder_ + "/no", {"**"}, 1, 1});
  EXPECT_EQ(gathered.status().code(), absl::StatusCode::kNotFound);
}

// The target's end, told by a host that lies.
class FetchLimits : public ::testing::Test {
 protected:
  std::string Fetch(SyncTarget::Limits limits) {
    SyncTarget target(rig_.cache(), limits);
    return rig_.SyncTo(&target, SnapshotOf(rig_.here()), there_).error;
  }

  SyncRig rig_;
  const std::string there_ = NewFolder();
};

TEST_F(FetchLimits, BytesFilesAndLinks) {
  WriteFile(rig_.Here("a"), std::string(600, 'x'));
  WriteFile(rig_.Here("b"), std::string(600, 'x'));
  SyncTarget::Limits limits;
  limits.bytes = 1199;
  EXPECT_EQ(Fetch(limits), "more bytes than were asked for");
  limits.bytes = 1200;
  limits.entries = 1;
  EXPECT_EQ(Fetch(limits), "more files than were asked for");
  limits.entries = 2;
  limits.links = false;
  EXPECT_EQ(Fetch(limits), "");
  MakeLink("/etc/passwd", rig_.Here("link"));
  limits.entries = 3;
  EXPECT_EQ(Fetch(limits), "a link where files were asked for");
  EXPECT_FALSE(Exists(there_ + "/link"));
  RemoveFolder(there_);
}

TEST_F(FetchLimits, WhatIsNoLongerThereGoesAndTheUsersStays) {
  WriteFile(rig_.Here("old"), "1");
  WriteFile(there_ + "/mine", "2");
  EXPECT_EQ(Fetch({}), "");
  EXPECT_TRUE(Exists(there_ + "/old"));
  RemoveFolder(rig_.Here("old"));
  WriteFile(rig_.Here("new"), "3");
  EXPECT_EQ(Fetch({}), "");
  EXPECT_FALSE(Exists(there_ + "/old"));
  EXPECT_EQ(ReadFile(there_ + "/mine"), "2");
  EXPECT_EQ(ReadFile(there_ + "/new"), "3");
  RemoveFolder(there_);
}

TEST(ArtifactsFolderTest, LivesAsLongAsItsNode) {
  const std::string home = NewFolder() + "/cache";
  std::string path;
  {
    auto one = ArtifactsFolder::Make(home);
    auto two = ArtifactsFolder::Make(home);
    ASSERT_TRUE(one.ok() && two.ok()) << one.status() << two.status();
    path = one->path();
    EXPECT_NE(path, two->path());
    WriteFile(path + "/gw0/file", "x");
    EXPECT_TRUE(Exists(two->path()));
  }
  EXPECT_FALSE(Exists(path));
}

TEST(ArtifactsFolderTest, AKilledNodesFolderGoesWithTheNextOne) {
  const std::string home = NewFolder() + "/cache";
  ASSERT_TRUE(ArtifactsFolder::Make(home).ok());
  WriteFile(home + "/artifacts/left/gw0/file", "x");
  auto next = ArtifactsFolder::Make(home);
  ASSERT_TRUE(next.ok());
  EXPECT_FALSE(Exists(home + "/artifacts/left"));
}

TEST(CoverageFilesTest, GoWhereTheyAreCombined) {
  const std::string from = NewFolder();
  const std::string to = NewFolder();
  WriteFile(from + "/.coverage.h.1.2", "data");
  WriteFile(from + "/other", "x");
  MakeLink("/etc/passwd", from + "/.coverage.link");
  MakeFolder(from + "/empty/deep");
  const auto moved = MoveCoverageFiles(from, to);
  ASSERT_TRUE(moved.ok());
  EXPECT_EQ(*moved, 1);
  EXPECT_EQ(ReadFile(to + "/.coverage.h.1.2"), "data");
  EXPECT_FALSE(Exists(to + "/.coverage.link"));
  RemoveEmptyFolders(from);
  EXPECT_FALSE(Exists(from + "/empty"));
  EXPECT_TRUE(Exists(from + "/other"));
  EXPECT_EQ(MoveCoverageFiles(from + "/no", to).value(), 0);
}

}  // namespace
}  // namespace dist
