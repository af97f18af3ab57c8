// Workers: start, refusal, death, replacement, end of session.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/run_driver.h"

namespace dist {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(RunWorkers, StartAtMostAsManyAtATimeAsTheHostHasCpus) {
  RunDriver run(MakePlan("load", 2, 4));
  run.Ready(0, 2);
  EXPECT_THAT(run.Told<StartWorker>(), SizeIs(2));
  run.Ready(1, 1);
  EXPECT_THAT(run.Told<StartWorker>(), SizeIs(3));
  run.Collect(0, std::vector<std::string>(200, "t"));
  EXPECT_THAT(run.Told<StartWorker>(), SizeIs(4));
  run.DieEarly(1);  // Its replacement has its turn.
  EXPECT_THAT(run.Told<StartWorker>(), SizeIs(5));
}

TEST(RunWorkers, WaitIfNothingIsPending) {
  RunDriver run(MakePlan("load", 1, 16));
  run.Ready(0, 1);
  run.Collect(0, {"a"});
  EXPECT_THAT(run.Told<StartWorker>(), SizeIs(1));
  run.Run(0, 0);
  run.Close();
  EXPECT_EQ(run.status(), 0);
}

TEST(RunWorkers, AllStartUnderEachThoughOneHasFinished) {
  RunDriver run(MakePlan("each", 1, 2));
  run.Ready(0, 1);
  run.Collect(0, {"a"});
  run.Run(0, 0);
  ASSERT_THAT(run.Told<StartWorker>(), SizeIs(2));
  EXPECT_THAT(run.Told<FinishWorker>(), IsEmpty());
  run.Collect(1, {"a"});
  run.Run(1, 0);
  run.Close();
  EXPECT_THAT(run.Verdicts(), ElementsAre("a=passed", "a=passed"));
}

TEST(RunWorkers, AreNotReplacedUnderEachIfNothingIsLeftForThem) {
  RunDriver run(MakePlan("each", 1, 2));
  run.Ready(0);
  run.Collect(0, {"a"});
  run.Collect(1, {"a"});
  run.Run(0, 0);
  run.DieIdle(0);
  EXPECT_THAT(run.Told<StartWorker>(), SizeIs(2));
}

struct RefusalRow {
  const char* why;
  Refusal refusal;
  int status;
  int run_status;
  int framework_status;
};

TEST(RunWorkers, SayByTheirRefusalHowTheRunEnds) {
  for (const RefusalRow& row : {
           RefusalRow{"unknown argument", Refusal::kUsage, 4, 4, 4},
           RefusalRow{"the framework's own", Refusal::kUsage, 3, 4, 3},
           RefusalRow{"a usage error is one", Refusal::kUsage, 0, 4, 4},
           RefusalRow{"no python", Refusal::kNoInterpreter, 4, 11, 0},
           RefusalRow{"no pytest", Refusal::kNoFramework, 4, 11, 0},
           RefusalRow{"anything else", Refusal::kBroken, 4, 11, 0},
       }) {
    SCOPED_TRACE(row.why);
    RunDriver run(MakePlan("load", 1, 2));
    run.Ready(0);
    run.Refuse(0, row.refusal, row.status);
    run.Refuse(1, row.refusal, row.status);
    run.Close();
    EXPECT_EQ(run.status(), row.run_status);
    EXPECT_EQ(run.ends[0].framework_status, row.framework_status);
    EXPECT_THAT(run.Said<NoticeGiven>(), SizeIs(1));
  }
}

TEST(RunWorkers, AUsageErrorWinsOverAHostWithoutPython) {
  RunDriver run(MakePlan("load", 2, 1));
  run.Ready(0);
  run.Ready(1);
  run.Refuse(0, Refusal::kNoInterpreter, 4);
  run.Refuse(1, Refusal::kUsage, 4);
  run.Close();
  EXPECT_EQ(run.status(), 4);
}

TEST(RunWorkers, OneRefusalLeavesTheWorkToTheOthers) {
  RunDriver run(MakePlan("load", 1, 2));
  run.Ready(0);
  run.Refuse(0, Refusal::kBroken, 4);
  run.Collect(1, {"a"});
  run.Run(1, 0);
  run.Close();
  EXPECT_EQ(run.status(), 0);
}

TEST(RunWorkers, UnderEachARefusalLeavesAPlatformUntested) {
  RunDriver run(MakePlan("each", 1, 2));
  run.Ready(0);
  run.Refuse(0, Refusal::kNoFramework, 4);
  run.Collect(1, {"a"});
  run.Run(1, 0);
  run.Close();
  EXPECT_EQ(run.status(), 10);
}

TEST(RunWorkers, SayAWarningOnceThoughAllMeetIt) {
  RunDriver run(MakePlan("load", 1, 2));
  run.Ready(0);
  WarningReport warning;
  warning.message = "old";
  warning.filename = "mod.py";
  for (const uint32_t slot : {0u, 1u}) {
    run.Tell(0, WarningRaised{run.worker(slot), warning});
  }
  warning.line = 2;
  run.Tell(0, WarningRaised{run.worker(1), warning});
  EXPECT_EQ(run.Said<WarningShown>().size(), 2u);
}

TEST(RunWorkers, ACrashBlamesOnlyTheTestThatRan) {
  RunDriver run(MakePlan("load", 1, 1));
  run.Ready(0);
  run.Collect(0, {"a", "b", "c", "d"});
  run.Begin(0, 0);
  run.DieIn(0, 0);
  EXPECT_THAT(run.Verdicts(), ElementsAre("a=crashed"));
  EXPECT_EQ(run.Said<WorkerLost>()[0].text, "died: SIGSEGV while running a");
  run.Collect(0, {"a", "b", "c", "d"});
  for (uint32_t p = 1; p < 4; ++p) run.Run(0, p);
  run.Close();
  EXPECT_EQ(run.status(), 1);
  EXPECT_THAT(run.Verdicts(),
              ElementsAre("a=crashed", "b=passed", "c=passed", "d=passed"));
}

TEST(RunWorkers, TwoDeathsBeforeCollectionAreAnError) {
  RunDriver run(MakePlan("load", 1, 1));
  run.Ready(0);
  run.DieEarly(0);
  EXPECT_THAT(run.Said<CollectorFailed>(), IsEmpty());
  run.DieEarly(0);
  EXPECT_THAT(run.Said<CollectorFailed>(), SizeIs(1));
  run.Close();
  EXPECT_EQ(run.status(), 1);
}

TEST(RunWorkers, ADeathBeforeCollectionThatIsNotReplacedIsAnError) {
  RunPlan plan = MakePlan("load", 1, 1);
  plan.max_restarts = 0;
  RunDriver run(plan);
  run.Ready(0);
  run.DieEarly(0);
  run.Close();
  EXPECT_EQ(run.status(), 1);
}

TEST(RunWorkers, AreReplacedUpToTheLimit) {
  RunPlan plan = MakePlan("load", 1, 1);
  plan.max_restarts = 1;
  RunDriver run(plan);
  run.Ready(0);
  run.Collect(0, {"a", "b", "c"});
  run.DieIn(0, 0);
  run.Collect(0, {"a", "b", "c"});
  run.DieIn(0, 1);
  EXPECT_THAT(run.Said<NoticeGiven>(), SizeIs(1));
  run.Close();
  EXPECT_EQ(run.status(), 1);
  EXPECT_THAT(run.Verdicts(), ElementsAre("a=crashed", "b=crashed", "c=lost"));
}

TEST(RunWorkers, AnExhaustedSlotDoesNotComeBackWithItsHost) {
  RunPlan plan = MakePlan("load", 1, 2);
  plan.max_restarts = 0;
  RunDriver run(plan);
  run.Ready(0);
  run.Collect(0, {"a", "b", "c", "d"});
  run.Collect(1, {"a", "b", "c", "d"});
  run.DieIdle(0);
  run.Lose(0);
  run.Forget();
  run.Ready(0);
  EXPECT_THAT(run.Told<StartWorker>(), SizeIs(1));
}

TEST(RunWorkers, ADeathInTheTeardownOfTheSessionEndsWithOne) {
  RunDriver run(MakePlan("load", 1, 1));
  run.Ready(0);
  run.Collect(0, {"a"});
  run.Run(0, 0);
  run.DieIdle(0);
  run.Close();
  EXPECT_EQ(run.status(), 1);
}

TEST(RunWorkers, ADeathOfAWorkerThatWasNotNeededIsNoFailure) {
  RunDriver run(MakePlan("load", 1, 2));
  run.Ready(0);
  run.Collect(0, {"a"});
  run.Run(0, 0);
  run.DieEarly(1);
  run.Close();
  EXPECT_EQ(run.status(), 0);
}

struct SessionRow {
  const char* why;
  int status;
  Verdict verdict;
  int run_status;
};

TEST(RunWorkers, SessionsMayFailWithoutATestThatDoes) {
  for (const SessionRow& row : {
           SessionRow{"all is well", 0, Verdict::kPassed, 0},
           SessionRow{"its test failed", 1, Verdict::kFailed, 1},
           SessionRow{"no test failed, a plugin did", 1, Verdict::kPassed, 1},
           SessionRow{"it got no test", 5, Verdict::kPassed, 0},
           SessionRow{"it broke", 3, Verdict::kPassed, 1},
       }) {
    SCOPED_TRACE(row.why);
    RunDriver run(MakePlan("load", 1, 1));
    run.Ready(0);
    run.Collect(0, {"a"});
    run.Run(0, 0, row.verdict);
    run.Exit(0, row.status);
    run.Lose(0);
    EXPECT_EQ(run.status(), row.run_status);
  }
}

TEST(RunWorkers, AFlakyTestDoesNotMakeTheSessionBad) {
  RunPlan plan = MakePlan("load", 1, 1);
  plan.retries = 1;
  RunDriver run(plan);
  run.Ready(0);
  run.Collect(0, {"a"});
  run.Run(0, 0, Verdict::kFailed);
  run.Run(0, 0);
  run.Exit(0, 1);  // The framework remembers the first try.
  run.Lose(0);
  EXPECT_EQ(run.status(), 0);
  EXPECT_EQ(run.Said<RunEnded>()[0].flaky, 1u);
}

}  // namespace
}  // namespace dist
