#include "core/history/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace dist {
namespace {

using ::testing::Pair;
using ::testing::UnorderedElementsAre;

// A run on one host of tests t0, t1, ... that took `millis` each.
void Measure(const std::string& host, const std::vector<uint64_t>& millis,
             History* history, size_t first = 0) {
  std::vector<std::string> ids;
  for (size_t i = 0; i < millis.size(); ++i) {
    ids.push_back(absl::StrCat("t.py::t", first + i));
  }
  MeasuredRun run;
  run.hosts = {host};
  for (size_t i = 0; i < millis.size(); ++i) {
    run.measurements.push_back({ids[i], 0, millis[i] * 1000});
  }
  Absorb(run, history);
}

absl::Duration Expected(const History& history, const std::string& id,
                        const std::string& host) {
  return ExpectedDurations(history, {host}).at(id);
}

TEST(History, IsWhatWasMeasured) {
  History history;
  Measure("build2", {1500, 20}, &history);
  EXPECT_EQ(history.runs, 1u);
  EXPECT_THAT(ExpectedDurations(history, {"build2"}),
              UnorderedElementsAre(Pair("t.py::t0", absl::Milliseconds(1500)),
                                   Pair("t.py::t1", absl::Milliseconds(20))));
}

TEST(History, FollowsSlowlyAfterTheFirstRuns) {
  History history;
  Measure("a", {1000}, &history);
  Measure("a", {2000}, &history);
  EXPECT_EQ(Expected(history, "t.py::t0", "a"), absl::Milliseconds(1500));
  Measure("a", {3000}, &history);
  EXPECT_EQ(Expected(history, "t.py::t0", "a"), absl::Milliseconds(2000));
  Measure("a", {5000}, &history);
  EXPECT_EQ(Expected(history, "t.py::t0", "a"), absl::Milliseconds(3000));
}

TEST(History, LearnsHowMuchSlowerAHostIs) {
  History history;
  Measure("fast", {100, 200, 300, 400, 500, 600, 700, 800}, &history);
  Measure("slow", {200, 400, 600, 800, 1000}, &history);
  EXPECT_EQ(history.hosts[1].pace, 1);
  EXPECT_EQ(history.hosts[2].pace, 2);
  EXPECT_EQ(Expected(history, "t.py::t7", "slow"), absl::Milliseconds(1600));
  EXPECT_EQ(Expected(history, "t.py::t0", "slow"), absl::Milliseconds(200));
  EXPECT_EQ(PaceOf(history, "slow"), 2);
  EXPECT_EQ(PaceOf(history, "new"), 1);
  // A host that is not known is an average one.
  EXPECT_EQ(Expected(history, "t.py::t0", "new"), absl::Milliseconds(100));
  EXPECT_EQ(ExpectedDurations(history, {"fast", "slow"}).at("t.py::t7"),
            absl::Milliseconds(1200));
}

TEST(History, LearnsThroughAThirdHost) {
  History history;
  Measure("a", std::vector<uint64_t>(20, 100), &history);
  Measure("b", std::vector<uint64_t>(10, 200), &history, 15);
  Measure("c", std::vector<uint64_t>(5, 400), &history, 20);
  EXPECT_EQ(history.hosts[2].pace, 2);
  EXPECT_EQ(history.hosts[3].pace, 4);
}

TEST(History, DoesNotJudgeAHostByFewOrTinyTests) {
  History history;
  Measure("a", {100, 100, 100, 100}, &history);
  Measure("b", {900, 900, 900, 900}, &history);
  EXPECT_EQ(history.hosts[2].pace, 1);
}

TEST(History, ForgetsTestsThatAHundredRunsDidNotSee) {
  History history;
  Measure("a", {10, 10}, &history);
  for (uint32_t i = 0; i < History::kForgottenAfter; ++i) {
    Measure("a", {10}, &history);
  }
  EXPECT_EQ(history.tests.size(), 2u);
  Measure("a", {10}, &history);
  EXPECT_EQ(history.tests.size(), 1u);
}

TEST(History, RunsOfAFewTestsMakeNoTestOld) {
  History history;
  Measure("a", std::vector<uint64_t>(100, 10), &history);
  for (int i = 0; i < 300; ++i) Measure("a", {10, 10, 10}, &history);
  EXPECT_EQ(history.tests.size(), 100u);
  EXPECT_EQ(history.runs, 1u);
}

TEST(History, HostsWithNewNamesEachTimeDoNotPileUp) {
  History history;
  for (int i = 0; i < 100; ++i) {
    Measure(absl::StrCat("runner-", i), {1000, 2000}, &history);
  }
  EXPECT_EQ(history.hosts.size(), History::kMostHosts);
  EXPECT_EQ(history.tests[0].samples.size(), History::kMostHosts);
  EXPECT_EQ(history.tests[0].samples[0].micros, 1000000u);
  EXPECT_EQ(Expected(history, "t.py::t1", "runner-200"), absl::Seconds(2));
}

TEST(History, ARunOnManyHostsKeepsAsManyAsThereIsRoomFor) {
  History history;
  MeasuredRun run;
  for (uint32_t i = 0; i < 40; ++i) {
    run.hosts.push_back(absl::StrCat("h", i));
    run.measurements.push_back({"t.py::t", i, 1000});
  }
  Absorb(run, &history);
  EXPECT_EQ(history.hosts.size(), History::kMostHosts);
  EXPECT_EQ(history.tests.size(), 1u);
  EXPECT_EQ(history.tests[0].samples.size(), History::kMostHosts);
}

TEST(History, WhatIsImportedCountsUntilItIsMeasured) {
  History history;
  Measure("", {3000, 4000}, &history);
  EXPECT_EQ(history.hosts.size(), 1u);
  EXPECT_EQ(Expected(history, "t.py::t0", "a"), absl::Seconds(3));
  Measure("a", {1000}, &history);
  EXPECT_EQ(Expected(history, "t.py::t0", "a"), absl::Seconds(1));
  EXPECT_EQ(Expected(history, "t.py::t1", "a"), absl::Seconds(4));
}

TEST(History, ARunWithoutMeasurementsChangesNothing) {
  History history;
  Measure("a", {}, &history);
  EXPECT_EQ(history.runs, 0u);
  EXPECT_EQ(history.hosts.size(), 1u);
}

}  // namespace
}  // namespace dist
