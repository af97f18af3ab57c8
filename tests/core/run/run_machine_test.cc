// Scenarios by hand: hosts, stop rules, exit statuses. Workers, collections and
// tests have files of their own; everything at random is in
// tests/sim.
#include "core/run/run_machine.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/run_driver.h"

namespace dist {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(RunMachine, ConnectsAllHostsAtOnce) {
  RunDriver run(MakePlan("load", 3, 1));
  EXPECT_THAT(run.connects, SizeIs(3));
  EXPECT_THAT(run.Said<RunStarted>(), SizeIs(1));
}

TEST(RunMachine, EndsAtOnceWithoutHosts) {
  RunDriver run(MakePlan("load", 0, 0));
  EXPECT_EQ(run.status(), 11);
}

TEST(RunMachine, RunsAllAndEndsWithZero) {
  RunDriver run(MakePlan("load", 1, 1));
  run.Ready(0);
  run.Collect(0, {"a", "b"});
  run.Run(0, 0);
  run.Run(0, 1);
  EXPECT_EQ(run.status(), -1);
  run.Close();
  EXPECT_EQ(run.status(), 0);
  EXPECT_THAT(run.Verdicts(), ElementsAre("a=passed", "b=passed"));
}

TEST(RunMachine, EndsWithFiveWithoutTests) {
  RunDriver run(MakePlan("load", 1, 1));
  run.Ready(0);
  run.Collect(0, {});
  run.Close();
  EXPECT_EQ(run.status(), 5);
}

TEST(RunMachine, EndsWithElevenIfNoHostCanBeReached) {
  RunDriver run(MakePlan("load", 2, 2));
  run.Lose(0);
  run.Lose(1);
  EXPECT_EQ(run.status(), 11);
}

TEST(RunMachine, EndsForWantOfAHostThatIsRequired) {
  RunPlan plan = MakePlan("load", 2, 2);
  plan.require_all_hosts = true;
  RunDriver early(plan);
  early.Ready(0);
  early.Lose(1);  // Before anything ran.
  early.Close();
  EXPECT_EQ(early.status(), 11);
  ASSERT_THAT(early.Said<RunStopping>(), SizeIs(1));
  EXPECT_EQ(early.Said<RunStopping>()[0].why,
            "stopping: --require-hosts=all, and host1 cannot be used");

  RunDriver late(plan);
  late.Ready(0);
  late.Ready(1);
  late.Collect(0, {"a", "b"});
  late.Run(0, 0);
  late.Refuse(2, Refusal::kNoInterpreter, 0);
  late.Close();
  EXPECT_EQ(late.status(), 10);
  EXPECT_THAT(late.Verdicts(), ElementsAre("a=passed"));

  RunDriver failed(plan);
  failed.Ready(0);
  failed.Collect(0, {"a", "b"});
  failed.Run(0, 0, Verdict::kFailed);
  failed.Lose(1);
  failed.Close();
  EXPECT_EQ(failed.status(), 1);
}

TEST(RunMachine, ComesBackToARequiredHostFirst) {
  RunPlan plan = MakePlan("load", 1, 1);
  plan.require_all_hosts = true;
  RunDriver run(plan);
  run.Ready(0);
  run.Collect(0, {"a"});
  run.Lose(0);
  EXPECT_THAT(run.Said<RunStopping>(), IsEmpty());
  run.Ready(0);
  run.Collect(0, {"a"});
  run.Run(0, 0);
  run.Close();
  EXPECT_EQ(run.status(), 0);
}

TEST(RunMachine, TriesAHostThatNeverWasUpOnlyOnce) {
  RunDriver run(MakePlan("load", 2, 1));
  run.Lose(0);
  EXPECT_THAT(run.connects, SizeIs(2));
  ASSERT_THAT(run.Said<WorkerLost>(), SizeIs(1));
  EXPECT_FALSE(run.Said<WorkerLost>()[0].replaced);
}

TEST(RunMachine, ReconnectsAHostThatWasUp) {
  RunDriver run(MakePlan("load", 1, 1));
  run.Ready(0);
  run.Collect(0, {"a"});
  for (int i = 0; i < 4; ++i) {
    run.Lose(0);
    run.Ready(0);
  }
  EXPECT_THAT(run.connects, SizeIs(5));
  run.Lose(0);
  EXPECT_THAT(run.connects, SizeIs(5));
  EXPECT_EQ(run.status(), 10);
}

TEST(RunMachine, ReconnectsAHostThatGetsOnForLonger) {
  RunDriver run(MakePlan("load", 1, 1));
  run.Ready(0);
  for (uint32_t i = 0; i < 6; ++i) {
    run.Collect(0, {"a", "b", "c", "d", "e", "f", "g"});
    run.Run(0, i);
    run.Lose(0);
    run.Ready(0);
  }
  EXPECT_THAT(run.connects, SizeIs(7));
  EXPECT_EQ(run.status(), -1);
}

TEST(RunMachine, EndsWithTenIfAllHostsAreLost) {
  RunDriver run(MakePlan("load", 1, 1));
  run.Ready(0);
  run.Collect(0, {"a", "b"});
  run.Run(0, 0);
  for (int i = 0; i < 5; ++i) {
    run.Lose(0);
    run.Ready(0);
  }
  EXPECT_EQ(run.status(), 10);
  EXPECT_THAT(run.Verdicts(), ElementsAre("a=passed", "b=lost"));
}

TEST(RunMachine, StartsWaitingWorkersWhenALostHostLeavesWork) {
  RunDriver run(MakePlan("load", 2, 1));
  run.Ready(0);
  run.Collect(0, {"a"});  // Host 1 comes when nothing is pending any more.
  run.Ready(1);
  EXPECT_THAT(run.Told<StartWorker>(), SizeIs(1));
  run.Lose(0);
  ASSERT_THAT(run.Told<StartWorker>(), SizeIs(2));
  run.Collect(1, {"a"});
  run.Run(1, 0);
  EXPECT_THAT(run.Verdicts(), ElementsAre("a=passed"));
}

TEST(RunMachine, TellsNothingToALostHost) {
  RunPlan plan = MakePlan("load", 1, 2);
  plan.maxfail = 1;
  RunDriver run(plan);
  run.Ready(0);
  run.Collect(0, {"a", "b"});
  run.Collect(1, {"a", "b"});
  for (int i = 0; i < 3; ++i) {
    run.Begin(0, 0);
    run.Forget();
    run.Lose(0);  // The third time `a` crashes, and the run stops.
    EXPECT_THAT(run.told, IsEmpty());
    run.Ready(0);
    run.Collect(0, {"a", "b"});
    run.Collect(1, {"a", "b"});
  }
}

TEST(RunMachine, GivesUpHostsThatStillConnectAtTheEnd) {
  RunDriver run(MakePlan("load", 2, 1));
  run.Ready(0);
  run.Collect(0, {"a"});
  run.Run(0, 0);
  run.Exit(0);
  EXPECT_THAT(run.Told<CloseNode>(), SizeIs(2));
  run.Lose(0);
  EXPECT_EQ(run.status(), -1);
  run.Ready(1);  // The shell was not quick enough.
  EXPECT_THAT(run.Told<CloseNode>(), SizeIs(3));
  run.Lose(1);
  EXPECT_EQ(run.status(), 0);
  EXPECT_THAT(run.Said<WorkerLost>(), IsEmpty());
}

TEST(RunMachine, IgnoresWorkersOfOtherHosts) {
  RunDriver run(MakePlan("load", 2, 1));
  run.Ready(0);
  run.Ready(1);
  run.Collect(0, {"a"});
  WorkerDied lie;
  lie.worker = run.worker(0);
  run.Tell(1, lie);
  run.Run(0, 0);
  EXPECT_THAT(run.Verdicts(), ElementsAre("a=passed"));
  EXPECT_THAT(run.Said<WorkerLost>(), IsEmpty());
}

// ---- Stop rules -----------------------------------------------------------

class StopRules : public ::testing::Test {
 protected:
  static RunPlan Plan() {
    RunPlan plan = MakePlan("load", 1, 1);
    plan.maxfail = 1;
    return plan;
  }
  StopRules() : run(Plan()) {
    run.Ready(0);
    run.Collect(0, {"a", "b", "c", "d"});  // Leases `a` and `b`.
    run.Begin(0, 0);
  }
  RunDriver run;
};

TEST_F(StopRules, MaxfailTakesBackThenFinishesThenInterruptsThenKills) {
  run.Finish(0, 0, Verdict::kFailed);
  ASSERT_THAT(run.Told<ReturnTests>(), SizeIs(1));
  EXPECT_THAT(run.Told<ReturnTests>()[0].positions, ElementsAre(1));
  EXPECT_THAT(run.Told<FinishWorker>(), SizeIs(1));
  run.Advance(absl::Seconds(9));
  EXPECT_THAT(run.Told<InterruptWorker>(), IsEmpty());
  run.Advance(absl::Seconds(1));
  EXPECT_THAT(run.Told<InterruptWorker>(), SizeIs(1));
  run.Advance(absl::Seconds(10));
  EXPECT_THAT(run.Told<KillWorker>(), SizeIs(1));
  run.DieIdle(0, DeathCause::kKilled);
  run.Lose(0);
  EXPECT_EQ(run.status(), 2);
  EXPECT_THAT(run.Said<RunStopping>(), SizeIs(1));
  EXPECT_EQ(run.Said<RunEnded>()[0].unrun, 3u);
}

TEST_F(StopRules, ClosesTheHostOfAWorkerThatSurvivesBeingKilled) {
  run.Finish(0, 0, Verdict::kFailed);
  for (int i = 0; i < 3; ++i) run.Advance(absl::Seconds(10));
  EXPECT_THAT(run.Told<CloseNode>(), SizeIs(1));
  run.Lose(0);
  EXPECT_EQ(run.status(), 2);
}

TEST_F(StopRules, LetsRunningTestsReportWhileStopping) {
  run.Interrupt();
  run.Finish(0, 0);
  run.Return(0, {1});
  run.Exit(0, 2, true);
  run.Lose(0);
  EXPECT_THAT(run.Verdicts(), ElementsAre("a=passed"));
  EXPECT_EQ(run.Said<RunEnded>()[0].unrun, 3u);
  EXPECT_EQ(run.status(), 2);
}

TEST_F(StopRules, CtrlCInterruptsAtOnceAndTheSecondOneKills) {
  run.Interrupt();
  EXPECT_THAT(run.Told<InterruptWorker>(), SizeIs(1));
  EXPECT_THAT(run.Told<KillWorker>(), IsEmpty());
  run.Interrupt();
  EXPECT_THAT(run.Told<KillWorker>(), SizeIs(1));
  run.Interrupt();
  EXPECT_THAT(run.Told<KillWorker>(), SizeIs(1));
}

TEST_F(StopRules, SaysOnceWhichTestsItCancels) {
  run.Interrupt();
  run.Interrupt();
  const auto notices = run.Said<NoticeGiven>();
  ASSERT_THAT(notices, SizeIs(1));
  EXPECT_EQ(notices[0].text, "cancelled while running: a (gw0)");
}

TEST_F(StopRules, SaysNothingOfTestsThatEndInTime) {
  run.Finish(0, 0, Verdict::kFailed);
  run.Return(0, {1});
  run.Advance(absl::Seconds(10));
  EXPECT_THAT(run.Said<NoticeGiven>(), IsEmpty());
}

TEST_F(StopRules, CtrlCAfterTheGraceOfMaxfailKills) {
  run.Finish(0, 0, Verdict::kFailed);
  run.Advance(absl::Seconds(10));
  run.Interrupt();
  EXPECT_THAT(run.Told<InterruptWorker>(), SizeIs(1));
  EXPECT_THAT(run.Told<KillWorker>(), SizeIs(1));
  EXPECT_THAT(run.Said<RunStopping>(), SizeIs(1));
}

TEST_F(StopRules, CtrlCIsNoCrashOfTheTestThatDiesOfIt) {
  run.Interrupt();
  run.DieIn(0, 0);  // SIGINT, in C code.
  run.Lose(0);
  EXPECT_THAT(run.Verdicts(), IsEmpty());
  EXPECT_EQ(run.status(), 2);
}

TEST_F(StopRules, CtrlCWhileConnectingEndsTheRun) {
  RunDriver other(MakePlan("load", 1, 1));
  other.Interrupt();
  EXPECT_THAT(other.Told<CloseNode>(), SizeIs(1));
  other.Lose(0);
  EXPECT_EQ(other.status(), 2);
}

TEST(RunMachine, KillsAWorkerThatHangsInItsTeardownAfterCtrlC) {
  RunDriver run(MakePlan("load", 1, 1));
  run.Ready(0);
  run.Collect(0, {"a"});
  run.Run(0, 0);
  run.Interrupt();
  EXPECT_THAT(run.Told<InterruptWorker>(), SizeIs(1));
  run.Advance(absl::Seconds(10));
  EXPECT_THAT(run.Told<KillWorker>(), SizeIs(1));
}

TEST(RunMachine, EndsEarlyAsAWorkersSessionDid) {
  RunDriver run(MakePlan("load", 1, 2));
  run.Ready(0);
  run.Collect(0, {"a", "b", "c"});
  run.Exit(0, 7, true);
  EXPECT_THAT(run.Told<FinishWorker>(), SizeIs(1));
  run.Close();
  ASSERT_THAT(run.ends, SizeIs(1));
  EXPECT_EQ(run.status(), 2);
  EXPECT_EQ(run.ends[0].framework_status, 7);
}

TEST(RunMachine, EndsWithThreeAfterAnInternalError) {
  RunDriver run(MakePlan("load", 1, 2));
  run.Ready(0, 1);  // The second worker waits for the first.
  run.Tell(0, InternalErrorRaised{run.worker(0), "oops"});
  run.Exit(0, 3);
  run.Collect(1, {"a"});
  run.Run(1, 0);
  run.Close();
  EXPECT_EQ(run.status(), 3);
  EXPECT_THAT(run.Verdicts(), ElementsAre("a=passed"));
}

}  // namespace
}  // namespace dist
