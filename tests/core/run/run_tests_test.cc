// Tests: results, retries, losses, late errors.
#include <memory>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/run_driver.h"

namespace dist {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

RunDriver* Up(RunPlan plan, const std::vector<std::string>& ids) {
  auto* run = new RunDriver(std::move(plan));
  run->Ready(0);
  run->Collect(0, ids);
  return run;
}

RunPlan Retrying(uint32_t retries) {
  RunPlan plan = MakePlan("load", 1, 1);
  plan.retries = retries;
  return plan;
}

TEST(RunTestsOf, TellHowTheyWentInOrder) {
  const std::unique_ptr<RunDriver> run(Up(MakePlan("load", 1, 1), {"a", "b"}));
  run->Run(0, 0, Verdict::kSkipped);
  run->Run(0, 1, Verdict::kXfailed);
  EXPECT_THAT(run->Verdicts(), ElementsAre("a=skipped", "b=xfailed"));
  EXPECT_THAT(run->Said<TestJudged>()[0].reports, SizeIs(1));
  EXPECT_THAT(run->Said<TestStarted>(), SizeIs(2));
}

TEST(RunTestsOf, AreTriedAgainIfAsked) {
  const std::unique_ptr<RunDriver> run(Up(Retrying(2), {"a"}));
  run->Run(0, 0, Verdict::kFailed);
  run->Run(0, 0, Verdict::kFailed);
  EXPECT_THAT(run->Said<TestTriedAgain>(), SizeIs(2));
  run->Run(0, 0);
  ASSERT_THAT(run->Said<TestJudged>(), SizeIs(1));
  EXPECT_TRUE(run->Said<TestJudged>()[0].flaky);
  EXPECT_EQ(run->Said<TestJudged>()[0].attempt, 3u);
}

TEST(RunTestsOf, KeepTheirRetriesWhenAHostIsLost) {
  const std::unique_ptr<RunDriver> run(Up(Retrying(1), {"a"}));
  run->Begin(0, 0);
  run->Lose(0);
  ASSERT_THAT(run->Said<TestTriedAgain>(), SizeIs(1));
  EXPECT_EQ(run->Said<TestTriedAgain>()[0].attempt.attempt, 1u);
  run->Ready(0);
  run->Collect(0, {"a"});
  run->Run(0, 0, Verdict::kFailed);
  ASSERT_THAT(run->Said<TestTriedAgain>(), SizeIs(2));
  EXPECT_EQ(run->Said<TestTriedAgain>()[1].attempt.attempt, 2u);
  run->Run(0, 0);
  EXPECT_THAT(run->Verdicts(), ElementsAre("a=passed"));
}

TEST(RunTestsOf, KeepTheirVerdictIfNobodyIsLeftForTheRetry) {
  RunPlan plan = Retrying(1);
  plan.max_restarts = 0;
  const std::unique_ptr<RunDriver> run(Up(std::move(plan), {"a", "b"}));
  run->DieIn(0, 0);
  run->Close();
  EXPECT_THAT(run->Verdicts(), ElementsAre("a=crashed", "b=lost"));
  EXPECT_EQ(run->status(), 1);
}

TEST(RunTestsOf, AreCrashedWhenThreeNodesWereLostWhileTheyRan) {
  const std::unique_ptr<RunDriver> run(Up(Retrying(3), {"a", "b"}));
  for (int i = 0; i < 3; ++i) {
    run->Begin(0, 0);
    run->Lose(0);
    run->Ready(0);
    run->Collect(0, {"a", "b"});
  }
  EXPECT_THAT(run->Verdicts(), ElementsAre("a=crashed"));
  const TestJudged judged = run->Said<TestJudged>()[0];
  EXPECT_EQ(judged.attempt, 3u);
  EXPECT_EQ(judged.reports[0].crash_message, "3 nodes were lost while it ran");
}

// Positions told to workers since the host was lost last.
std::vector<uint32_t> Told(const RunDriver& run) {
  std::vector<uint32_t> positions;
  for (const RunTests& tests : run.Told<RunTests>()) {
    positions.insert(positions.end(), tests.positions.begin(),
                     tests.positions.end());
  }
  return positions;
}

// Loses the host, which comes back.
void LoseAndCollect(RunDriver* run, const std::vector<std::string>& ids) {
  run->Lose(0);
  run->Ready(0);
  run->told.clear();
  run->Collect(0, ids);
}

TEST(RunTestsOf, RunOneByOneAfterAHostWasLostWithThem) {
  const std::vector<std::string> ids = {"a", "b", "c", "d"};
  const std::unique_ptr<RunDriver> run(Up(MakePlan("load", 1, 1), ids));
  EXPECT_THAT(Told(*run), ElementsAre(0, 1));
  LoseAndCollect(run.get(), ids);  // What of the two ran, nobody said.
  EXPECT_THAT(Told(*run), ElementsAre(0));
  run->Begin(0, 0);
  EXPECT_THAT(Told(*run), ElementsAre(0));
  run->Finish(0, 0);
  EXPECT_THAT(Told(*run), ElementsAre(0, 1));
  run->Run(0, 1);
  EXPECT_THAT(Told(*run), ElementsAre(0, 1, 2, 3));
}

TEST(RunTestsOf, AreCrashedThoughNobodySaidThatTheyBegan) {
  const std::vector<std::string> ids = {"a", "b", "c", "d"};
  const std::unique_ptr<RunDriver> run(Up(MakePlan("load", 1, 1), ids));
  LoseAndCollect(run.get(), ids);
  run->Run(0, 0);  // It was not `a`.
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Told(*run).back(), 1u);
    LoseAndCollect(run.get(), ids);
  }
  run->Run(0, 2);
  run->Run(0, 3);
  EXPECT_THAT(run->Verdicts(),
              ElementsAre("a=passed", "b=crashed", "c=passed", "d=passed"));
}

TEST(RunTestsOf, AreNotBlamedForOneLostHost) {
  const std::unique_ptr<RunDriver> run(Up(MakePlan("load", 1, 1), {"a"}));
  for (int i = 0; i < 2; ++i) LoseAndCollect(run.get(), {"a"});
  run->Run(0, 0);
  EXPECT_THAT(run->Said<TestTriedAgain>(), SizeIs(2));
  EXPECT_EQ(run->Said<TestJudged>()[0].attempt, 3u);
  EXPECT_THAT(run->Verdicts(), ElementsAre("a=passed"));
}

TEST(RunTestsOf, StayTogetherWhenTheyRunOneByOne) {
  const std::vector<std::string> ids = {"f::a", "f::b", "g::a"};
  const std::unique_ptr<RunDriver> run(Up(MakePlan("loadfile", 1, 1), ids));
  LoseAndCollect(run.get(), ids);
  EXPECT_THAT(Told(*run), ElementsAre(0));
  run->Run(0, 0);
  EXPECT_THAT(Told(*run), ElementsAre(0, 1));
  run->Run(0, 1);
  EXPECT_THAT(Told(*run), ElementsAre(0, 1, 2));
}

TEST(RunTestsOf, GetWorseByALateError) {
  const std::unique_ptr<RunDriver> run(Up(MakePlan("load", 1, 1), {"a"}));
  run->Run(0, 0);
  run->Late(0, 0);
  ASSERT_THAT(run->Said<VerdictAmended>(), SizeIs(1));
  EXPECT_EQ(run->Said<VerdictAmended>()[0].after, Verdict::kError);
  EXPECT_THAT(run->Said<TestJudged>(), SizeIs(1));
  run->Exit(0, 1);
  run->Lose(0);
  EXPECT_EQ(run->status(), 1);
}

TEST(RunTestsOf, AreNotFlakyAfterALateError) {
  const std::unique_ptr<RunDriver> run(Up(Retrying(1), {"a"}));
  run->Run(0, 0, Verdict::kFailed);
  run->Run(0, 0);
  run->Late(0, 0);
  run->Close();
  EXPECT_EQ(run->Said<RunEnded>()[0].flaky, 0u);
}

TEST(RunTestsOf, GoToOthersWhenTheyAreGivenBack) {
  const std::unique_ptr<RunDriver> run(Up(MakePlan("load", 1, 2), {"a", "b"}));
  run->Collect(1, {"a", "b"});
  run->Begin(0, 0);
  run->Forget();
  run->Return(1, {1});
  ASSERT_THAT(run->Told<RunTests>(), SizeIs(1));
  EXPECT_THAT(run->Told<RunTests>()[0].positions, ElementsAre(1));
}

TEST(RunTestsOf, ListenOnlyToWhoHoldsThem) {
  const std::unique_ptr<RunDriver> run(Up(MakePlan("load", 1, 2), {"a", "b"}));
  run->Collect(1, {"a", "b"});
  run->Run(1, 0);   // gw0 holds it.
  run->Run(0, 77);  // Nobody has it.
  run->Late(1, 0);
  run->Return(1, {0, 77});
  EXPECT_THAT(run->Verdicts(), IsEmpty());
  EXPECT_THAT(run->Said<VerdictAmended>(), IsEmpty());
}

}  // namespace
}  // namespace dist
