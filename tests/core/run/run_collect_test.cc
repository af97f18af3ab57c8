// Collections: asked for once, compared, merged, listed.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/run_driver.h"

namespace dist {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

CollectionReported Reported(WorkerId worker, const std::string& hash) {
  CollectionReported reported;
  reported.worker = worker;
  reported.hash = hash;
  return reported;
}

TEST(RunCollect, AsksForEveryListOnce) {
  RunDriver run(MakePlan("load", 1, 3));
  run.Ready(0);
  run.Tell(0, Reported(run.worker(0), "h"));
  run.Tell(0, Reported(run.worker(1), "h"));
  EXPECT_THAT(run.Told<ListCollection>(), SizeIs(1));
  run.Tell(0, CollectionListed{"h", {"a", "b"}, {}});
  run.Tell(0, Reported(run.worker(2), "h"));
  EXPECT_THAT(run.Told<ListCollection>(), SizeIs(1));
  EXPECT_THAT(run.Said<CollectionGrew>(), SizeIs(3));
}

TEST(RunCollect, DoesNotAskForAListThatFollows) {
  RunDriver run(MakePlan("load", 1, 2));
  run.Ready(0);
  CollectionReported reported = Reported(run.worker(0), "h");
  reported.list_follows = true;
  run.Tell(0, reported);
  run.Tell(0, CollectionListed{"h", {"a", "b"}, {}});
  run.Tell(0, Reported(run.worker(1), "h"));
  EXPECT_THAT(run.Told<ListCollection>(), IsEmpty());
  EXPECT_THAT(run.Said<CollectionGrew>(), SizeIs(2));
}

TEST(RunCollect, AsksIfTheListThatFollowedCameForNobody) {
  RunDriver run(MakePlan("load", 1, 1));
  run.Ready(0);
  CollectionReported reported = Reported(run.worker(0), "h");
  reported.list_follows = true;
  run.Tell(0, reported);
  run.DieIdle(0);
  run.Tell(0, CollectionListed{"h", {"a"}, {}});
  run.Tell(0, Reported(run.worker(0), "h"));
  EXPECT_THAT(run.Told<ListCollection>(), SizeIs(1));
}

TEST(RunCollect, AsksAgainIfTheHostWasLostBeforeItAnswered) {
  RunDriver run(MakePlan("load", 1, 1));
  run.Ready(0);
  run.Tell(0, Reported(run.worker(0), "h"));
  run.Lose(0);
  run.Ready(0);
  run.Tell(0, Reported(run.worker(0), "h"));
  EXPECT_THAT(run.Told<ListCollection>(), SizeIs(2));
}

TEST(RunCollect, AsksAgainIfTheAnswerCameForNobody) {
  RunDriver run(MakePlan("load", 1, 1));
  run.Ready(0);
  run.Tell(0, Reported(run.worker(0), "h"));
  run.DieIdle(0);
  run.Tell(0, CollectionListed{"h", {"a"}, {}});
  run.Tell(0, Reported(run.worker(0), "h"));
  EXPECT_THAT(run.Told<ListCollection>(), SizeIs(2));
}

TEST(RunCollect, SaysADifferenceOnceAndRunsTestsWhereTheyAre) {
  RunDriver run(MakePlan("load", 1, 3));
  run.Ready(0);
  run.Collect(0, {"a", "x"});  // Leases `a`.
  run.Collect(1, {"a", "y"});
  run.Collect(2, {"a", "y"});
  ASSERT_THAT(run.Said<CollectionsDiffer>(), SizeIs(1));
  EXPECT_THAT(run.Said<CollectionsDiffer>()[0].lines,
              ElementsAre("gw1 (host0) collected other tests than gw0 (host0):",
                          "  only gw0: x", "  only gw1: y"));
  run.Run(1, 1);  // `y`.
  run.Run(0, 0);
  run.Run(0, 1);  // `x` was left to gw0, though gw1 and gw2 were idle.
  EXPECT_THAT(run.Verdicts(), ElementsAre("y=passed", "a=passed", "x=passed"));
}

TEST(RunCollect, SaysNothingIfOnlyTheOrderDiffers) {
  RunDriver run(MakePlan("load", 1, 2));
  run.Ready(0);
  run.Collect(0, {"a", "b"});
  run.Collect(1, {"b", "a"});
  EXPECT_THAT(run.Said<CollectionsDiffer>(), IsEmpty());
}

TEST(RunCollect, LosesTestsThatOnlyADeadWorkerHad) {
  RunPlan plan = MakePlan("load", 1, 2);
  plan.max_restarts = 0;
  RunDriver run(plan);
  run.Ready(0);
  run.Collect(0, {"x"});
  run.Collect(1, {"a"});
  run.Run(1, 0);
  run.DieIdle(0);
  run.Close();
  EXPECT_THAT(run.Verdicts(), ElementsAre("a=passed", "x=lost"));
  EXPECT_EQ(run.status(), 10);
}

TEST(RunCollect, IsClosedOnceAllTestsHaveTheirVerdicts) {
  RunDriver run(MakePlan("load", 1, 2));
  run.Ready(0);
  run.Collect(0, {"a"});
  run.Run(0, 0);
  run.Collect(1, {"a", "late"});
  run.Close();
  EXPECT_EQ(run.status(), 0);
  EXPECT_EQ(run.Said<RunEnded>()[0].unrun, 0u);
}

TEST(RunCollect, CountsABrokenModuleOnceAndApartFromASkippedOne) {
  RunDriver run(MakePlan("load", 1, 3));
  run.Ready(0);
  run.Tell(0, CollectorReported{run.worker(0), Report(Verdict::kSkipped, "m")});
  run.Tell(0, CollectorReported{run.worker(1), Report(Verdict::kError, "m")});
  run.Tell(0, CollectorReported{run.worker(2), Report(Verdict::kError, "m")});
  EXPECT_THAT(run.Said<CollectorFailed>(), SizeIs(2));
  for (uint32_t slot = 0; slot < 3; ++slot) run.Collect(slot, {});
  run.Close();
  EXPECT_EQ(run.status(), 1);
  EXPECT_EQ(run.Said<RunEnded>()[0].collect_errors, 1u);
  EXPECT_EQ(run.Said<RunEnded>()[0].collect_skips, 1u);
}

TEST(RunCollect, AddsUpWhatFrameworkAndSelectionLeaveOut) {
  RunPlan plan = MakePlan("load", 1, 2);
  plan.selection.kind = Selection::Kind::kLastFailed;
  plan.selection.failed = {"a"};
  RunDriver run(plan);
  run.Ready(0);
  for (uint32_t slot = 0; slot < 2; ++slot) {
    CollectionReported reported = Reported(run.worker(slot), "h");
    reported.deselected = 4;
    run.Tell(0, reported);
  }
  run.Tell(0, CollectionListed{"h", {"a", "b", "c"}, {}});
  EXPECT_EQ(run.Said<CollectionGrew>().back().deselected, 6u);
  EXPECT_EQ(run.Said<CollectionGrew>().back().tests, 1u);
}

TEST(RunCollect, ListsWithOneWorkerIfThatIsAll) {
  RunPlan plan = MakePlan("load", 1, 4);
  plan.collect_only = true;
  RunDriver run(plan);
  run.Ready(0);
  EXPECT_THAT(run.Told<StartWorker>(), SizeIs(1));
  run.DieEarly(0);
  run.Collect(0, {"a", "b"});
  ASSERT_THAT(run.Said<TestsListed>(), SizeIs(1));
  EXPECT_THAT(run.Said<TestsListed>()[0].ids, ElementsAre("a", "b"));
  EXPECT_THAT(run.Told<RunTests>(), IsEmpty());
  run.Close();
  EXPECT_EQ(run.status(), 0);
  EXPECT_EQ(run.Said<RunEnded>()[0].unrun, 0u);
}

TEST(RunCollect, ListsATestOfTwoKinsOnce) {
  RunPlan plan = MakePlan("load", 1, 2);
  plan.collect_only = true;
  plan.workers[1].kin = 1;
  RunDriver run(plan);
  run.Ready(0);
  run.Collect(0, {"a", "b"});
  run.Collect(1, {"b", "c"});
  ASSERT_THAT(run.Said<TestsListed>(), SizeIs(2));
  EXPECT_THAT(run.Said<TestsListed>()[1].ids, ElementsAre("c"));
}

TEST(StrictCollection, FailsARunThatStillRunsEverything) {
  for (const bool strict : {false, true}) {
    RunPlan plan = MakePlan("load", 1, 2);
    plan.strict_collection = strict;
    RunDriver run(std::move(plan));
    run.Ready(0);
    run.Collect(0, {"a", "b"});
    run.Collect(1, {"a", "c"});
    for (const uint32_t p : {0, 1}) run.Run(0, p);
    for (const uint32_t p : {0, 1}) run.Run(1, p);
    run.Close();
    EXPECT_EQ(run.Said<CollectionsDiffer>().size(), 1u);
    EXPECT_EQ(run.Said<NoticeGiven>().size(), strict ? 1u : 0u);
    EXPECT_EQ(run.Said<TestJudged>().size(), 3u);
    EXPECT_EQ(run.status(), strict ? 1 : 0);
  }
}

TEST(StrictCollection, WaitsForEveryWorkersCollection) {
  RunPlan plan = MakePlan("load", 1, 2);
  plan.strict_collection = true;
  RunDriver run(std::move(plan));
  run.Ready(0);
  run.Collect(0, {"a"});
  run.Run(0, 0);
  EXPECT_THAT(run.Told<FinishWorker>(), IsEmpty());
  run.Collect(1, {"a", "b"});
  run.Run(1, 1);
  run.Close();
  EXPECT_EQ(run.status(), 1);
}

TEST(CollectionOf, AnotherIsNotTakenForTheOwnWhenItsHashIsEmpty) {
  RunPlan plan = MakePlan("load", 1, 2);
  plan.workers[1].kin = 1;  // Its tests are waited for.
  RunDriver run(std::move(plan));
  run.Ready(0);
  run.Collect(0, {});  // The driver's hash of no tests is empty.
  run.Collect(1, {"a"});
  run.Run(1, 0);
  EXPECT_EQ(run.Verdicts(), std::vector<std::string>{"a=passed"});
}

}  // namespace
}  // namespace dist
