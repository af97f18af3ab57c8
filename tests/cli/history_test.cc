#include "cli/history.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace dist {
namespace {

class HistoryFileTest : public ::testing::Test {
 protected:
  HistoryFileTest() {
    std::string folder = absl::StrCat(testing::TempDir(), "/XXXXXX");
    cache_ = mkdtemp(&folder[0]);
    setenv("XDG_CACHE_HOME", cache_.c_str(), 1);
    path_ = HistoryPath("/src/project");
  }

  static MeasuredRun RunOf(const std::string& id) {
    MeasuredRun run;
    run.hosts = {"build2"};
    ids_.push_back(id);
    run.measurements.push_back({ids_.back(), 0, 1000});
    return run;
  }

  void Write(const std::string& bytes) {
    ASSERT_TRUE(AddToHistory(path_, RunOf("t.py::t")).ok());
    std::ofstream(path_) << bytes;
  }

  static int ModeOf(const std::string& path) {
    struct stat info = {};
    stat(path.c_str(), &info);
    return info.st_mode & 0777;
  }

  static inline std::deque<std::string> ids_;
  std::string cache_;
  std::string path_;
};

TEST_F(HistoryFileTest, LiesInTheUsersCache) {
  EXPECT_EQ(path_, absl::StrCat(cache_, "/dist/history/5744b1258f4498f7"));
  setenv("XDG_CACHE_HOME", "relative", 1);
  setenv("HOME", "/home/me", 1);
  EXPECT_TRUE(
      absl::StartsWith(HistoryPath("/"), "/home/me/.cache/dist/history/"));
  unsetenv("HOME");
  EXPECT_EQ(HistoryPath("/"), "");
}

TEST_F(HistoryFileTest, IsForTheUserAlone) {
  ASSERT_TRUE(AddToHistory(path_, RunOf("t.py::t")).ok());
  EXPECT_EQ(ModeOf(path_), 0600);
  EXPECT_EQ(ModeOf(absl::StrCat(cache_, "/dist/history")), 0700);
}

TEST_F(HistoryFileTest, IsReadAgain) {
  EXPECT_FALSE(LoadHistory(path_).found);
  ASSERT_TRUE(AddToHistory(path_, RunOf("t.py::t")).ok());
  const LoadedHistory loaded = LoadHistory(path_);
  EXPECT_TRUE(loaded.found);
  EXPECT_EQ(loaded.notice, "");
  ASSERT_EQ(loaded.history.tests.size(), 1u);
  EXPECT_EQ(loaded.history.tests[0].id, "t.py::t");
  EXPECT_TRUE(ClearHistory(path_).ok());
  EXPECT_TRUE(ClearHistory(path_).ok());
  EXPECT_FALSE(LoadHistory(path_).found);
}

TEST_F(HistoryFileTest, ABrokenFileIsANoticeAndReplaced) {
  Write("dist history 1\nnonsense");
  const LoadedHistory loaded = LoadHistory(path_);
  EXPECT_FALSE(loaded.found);
  EXPECT_TRUE(absl::StrContains(loaded.notice, "begins anew")) << loaded.notice;
  ASSERT_TRUE(AddToHistory(path_, RunOf("t.py::u")).ok());
  EXPECT_EQ(LoadHistory(path_).history.tests.size(), 1u);
}

TEST_F(HistoryFileTest, RunsThatEndAtOnceAllGetIn) {
  std::vector<MeasuredRun> runs;
  for (int i = 0; i < 20; ++i) runs.push_back(RunOf(absl::StrCat("t.py::", i)));
  std::vector<std::thread> threads;
  for (const MeasuredRun& run : runs) {
    threads.emplace_back([&] { EXPECT_TRUE(AddToHistory(path_, run).ok()); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(LoadHistory(path_).history.tests.size(), 20u);
}

TEST_F(HistoryFileTest, DoesNotWaitForEverForTheLock) {
  ASSERT_TRUE(AddToHistory(path_, RunOf("t.py::t")).ok());
  const std::string lock = absl::StrCat(cache_, "/dist/history/lock");
  std::FILE* held = std::fopen(lock.c_str(), "r+");
  ASSERT_EQ(flock(fileno(held), LOCK_EX), 0);
  EXPECT_FALSE(AddToHistory(path_, RunOf("t.py::u")).ok());
  std::fclose(held);
}

TEST_F(HistoryFileTest, WhereNothingCanBeWrittenIsAnError) {
  EXPECT_FALSE(AddToHistory("/proc/nowhere/history", RunOf("t")).ok());
  EXPECT_FALSE(AddToHistory("", RunOf("t")).ok());
}

TestJudged Judged(const std::string* id, Verdict verdict) {
  TestJudged judged;
  judged.id = id;
  judged.verdict = verdict;
  judged.worker = verdict == Verdict::kLost ? "" : "gw0";
  judged.host = "build2";
  judged.micros = {1000, 2000, 500};
  return judged;
}

TEST_F(HistoryFileTest, RecordsWhatRanToItsEnd) {
  std::deque<std::string> ids;
  HistoryRecorder recorder(path_);
  for (const Verdict verdict : kAllVerdicts) {
    ids.emplace_back(Word(verdict));
    recorder.OnEvent(Judged(&ids.back(), verdict));
  }
  recorder.OnEvent(RunEnded());
  EXPECT_TRUE(recorder.status().ok()) << recorder.status();
  const History history = LoadHistory(path_).history;
  ASSERT_EQ(history.tests.size(), 5u);
  EXPECT_EQ(history.tests[0].id, "failed");
  EXPECT_EQ(history.tests[0].samples[0].micros, 3500u);
  EXPECT_EQ(history.hosts[1].name, "build2");
}

// CPU time: other processes do not count.
absl::Duration CpuTime() {
  timespec time = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return absl::DurationFromTimespec(time);
}

// Bounds against accidents; what it takes is in the log of the test.
TEST_F(HistoryFileTest, CostsLittle) {
  constexpr size_t kTests = 20000;
  std::deque<std::string> ids;
  HistoryRecorder recorder(path_);
  for (size_t i = 0; i < kTests; ++i) {
    ids.push_back(absl::StrCat("tests/test_", i / 50, ".py::test_it[", i, "]"));
  }
  std::vector<RunEvent> events;
  for (const std::string& id : ids) {
    events.push_back(Judged(&id, Verdict::kPassed));
  }
  absl::Duration start = CpuTime();
  for (const RunEvent& event : events) recorder.OnEvent(event);
  const absl::Duration told = CpuTime() - start;
  start = CpuTime();
  recorder.OnEvent(RunEnded());
  const absl::Duration saved = CpuTime() - start;
  RunPlan plan;
  plan.hosts = {{"build2"}};
  plan.workers.resize(2);
  for (PlannedWorker& worker : plan.workers) worker.host = HostId(0);
  absl::Duration read = absl::InfiniteDuration();
  absl::Duration loaded = absl::InfiniteDuration();
  for (int i = 0; i < 5; ++i) {
    start = CpuTime();
    const LoadedHistory history = LoadHistory(path_);
    read = std::min(read, CpuTime() - start);
    const Estimates estimates(ExpectedOn(history.history, plan));
    loaded = std::min(loaded, CpuTime() - start);
    EXPECT_TRUE(estimates.known());
  }
  std::printf(
      "20,000 tests: told %s, saved %s, loaded %s (read in %s)\n",
      absl::FormatDuration(told).c_str(), absl::FormatDuration(saved).c_str(),
      absl::FormatDuration(loaded).c_str(), absl::FormatDuration(read).c_str());
  EXPECT_LT(told, absl::Milliseconds(100));
  EXPECT_LT(loaded, absl::Milliseconds(100));
}

TEST(Paces, AreThoseOfTheHostsBesideEachOther) {
  History history;
  history.hosts.resize(3);
  history.hosts[1].name = "fast";
  history.hosts[2].name = "slow";
  history.hosts[2].pace = 3;
  RunPlan plan;
  plan.hosts = {{"fast"}, {"slow"}};
  plan.workers.resize(4);
  for (uint32_t w = 0; w < 4; ++w) plan.workers[w].host = HostId(w % 2);
  SetPaces(history, &plan);
  EXPECT_EQ(plan.hosts[0].pace, 0.5);
  EXPECT_EQ(plan.hosts[1].pace, 1.5);
}

}  // namespace
}  // namespace dist
