// Tests that have not started move to workers that have nothing to do.
#include <memory>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/run_driver.h"

namespace dist {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<std::string> Ids(size_t count) {
  std::vector<std::string> ids;
  for (size_t i = 0; i < count; ++i) ids.push_back(absl::StrCat("t", i));
  return ids;
}

// One host, `ids.size()` workers, each with the list of its own.
class Crew {
 public:
  Crew(const std::string& mode, std::vector<std::vector<std::string>> ids,
       uint32_t retries = 0)
      : run(Plan(mode, static_cast<uint32_t>(ids.size()), retries)) {
    run.takes = absl::Milliseconds(100);
    run.Ready(0);
    for (uint32_t s = 0; s < ids.size(); ++s) run.Collect(s, ids[s]);
  }

  // Positions leased to a slot, in order, since Forget().
  std::vector<uint32_t> Leased(uint32_t slot) const {
    std::vector<uint32_t> positions;
    for (const RunTests& tests : run.Told<RunTests>()) {
      if (tests.worker != run.worker(slot)) continue;
      positions.insert(positions.end(), tests.positions.begin(),
                       tests.positions.end());
    }
    return positions;
  }
  // What the slot was asked to give back since Forget().
  std::vector<uint32_t> Asked(uint32_t slot) const {
    std::vector<uint32_t> positions;
    for (const ReturnTests& back : run.Told<ReturnTests>()) {
      if (back.worker != run.worker(slot)) continue;
      positions.insert(positions.end(), back.positions.begin(),
                       back.positions.end());
    }
    return positions;
  }

  RunDriver run;

 private:
  static RunPlan Plan(const std::string& mode, uint32_t slots,
                      uint32_t retries) {
    RunPlan plan = MakePlan(mode, 1, slots);
    plan.retries = retries;
    return plan;
  }
};

TEST(Steal, TakesTheLaterHalfOfWhatHasNotBegun) {
  Crew crew("worksteal", {Ids(12), Ids(12)});
  EXPECT_THAT(crew.Leased(0), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(crew.Leased(1), ElementsAre(6, 7, 8, 9, 10, 11));
  crew.run.Begin(0, 0);
  for (const uint32_t p : {6, 7, 8, 9, 10, 11}) crew.run.Run(1, p);
  EXPECT_THAT(crew.Asked(0), ElementsAre(4, 5));
  crew.run.Forget();
  crew.run.Return(0, {4, 5});
  EXPECT_THAT(crew.Leased(1), ElementsAre(4, 5));
}

TEST(Steal, DoesNotAskTwiceBeforeTheAnswer) {
  Crew crew("worksteal", {Ids(9), Ids(9), Ids(9)});
  crew.run.Begin(0, 0);
  crew.run.Begin(1, 3);
  for (const uint32_t p : {6, 7, 8}) crew.run.Run(2, p);
  EXPECT_THAT(crew.Asked(0), ElementsAre(2));
  for (const uint32_t p : {3, 4, 5}) crew.run.Run(1, p);
  EXPECT_THAT(crew.run.Told<ReturnTests>(), SizeIs(1));
}

TEST(Steal, DoesNotAskAgainAtOnceWhoHadStartedIt) {
  Crew crew("worksteal", {Ids(4), Ids(4)});
  crew.run.Begin(0, 0);
  crew.run.Run(1, 2);
  crew.run.Run(1, 3);
  EXPECT_THAT(crew.Asked(0), ElementsAre(1));
  crew.run.Forget();
  crew.run.Return(0, {});
  EXPECT_THAT(crew.run.Told<ReturnTests>(), IsEmpty());
  crew.run.Finish(0, 0);
  crew.run.Run(0, 1);
  EXPECT_THAT(crew.run.Verdicts(), ElementsAre("t0=passed", "t1=passed"));
}

TEST(Steal, LeavesAloneWhatIsSoonDone) {
  Crew crew("worksteal", {Ids(8), Ids(8)});
  crew.run.takes = absl::Milliseconds(1);
  crew.run.Begin(0, 0);
  for (const uint32_t p : {4, 5, 6, 7}) crew.run.Run(1, p);
  EXPECT_THAT(crew.run.Told<ReturnTests>(), IsEmpty());
  ASSERT_THAT(crew.run.wakes, SizeIs(1)) << "it may take longer than expected";
  crew.run.Advance(absl::Milliseconds(60));
  EXPECT_THAT(crew.Asked(0), ElementsAre(1, 2, 3)) << "little moves at once";
}

TEST(Steal, LeavesAloneWhoseTestsGoOn) {
  Crew crew("worksteal", {Ids(8), Ids(8)});
  crew.run.takes = absl::Milliseconds(1);
  crew.run.Begin(0, 0);
  for (const uint32_t p : {4, 5, 6, 7}) crew.run.Run(1, p);
  crew.run.Advance(absl::Milliseconds(40));
  crew.run.Finish(0, 0);
  crew.run.Begin(0, 1);
  crew.run.Advance(absl::Milliseconds(40));
  EXPECT_THAT(crew.run.Told<ReturnTests>(), IsEmpty());
  crew.run.Advance(absl::Milliseconds(40));
  EXPECT_THAT(crew.Asked(0), ElementsAre(2, 3));
}

TEST(Steal, DoesNotBringBackAModuleForShortTests) {
  for (const bool slow : {false, true}) {
    SCOPED_TRACE(slow);
    const std::vector<std::string> ids = {"a::0", "a::1", "a::2",
                                          "a::3", "b::4", "b::5"};
    RunDriver run(MakePlan("worksteal", 1, 2));
    run.takes = slow ? absl::Milliseconds(200) : absl::Milliseconds(30);
    run.Ready(0);
    run.Collect(0, ids);
    run.Collect(1, ids);
    run.Begin(0, 0);
    for (const uint32_t p : {3, 4}) run.Run(1, p);
    run.Forget();
    run.Run(1, 5);  // It was through with `a` when it began `b`.
    EXPECT_EQ(run.Told<ReturnTests>().size(), slow ? 1u : 0u);
  }
}

TEST(Steal, TakesWhatIsOfTheModuleItIsIn) {
  const std::vector<std::string> ids = {"a::0", "a::1", "a::2", "a::3"};
  Crew crew("worksteal", {ids, ids});
  crew.run.Begin(0, 0);
  for (const uint32_t p : {2, 3}) crew.run.Run(1, p);
  EXPECT_THAT(crew.Asked(0), ElementsAre(1));
}

TEST(Steal, ForgetsAQuestionWithTheOneWhoWasAsked) {
  Crew crew("worksteal", {Ids(8), Ids(8)});
  crew.run.Begin(0, 0);
  for (const uint32_t p : {4, 5, 6, 7}) crew.run.Run(1, p);
  EXPECT_THAT(crew.Asked(0), ElementsAre(3));
  crew.run.Forget();
  const WorkerId dead = crew.run.worker(0);
  crew.run.DieIn(0, 0);
  EXPECT_THAT(crew.Leased(1), ElementsAre(1, 2));  // 3 awaits the replacement.
  crew.run.Tell(0, TestsReturned{dead, {3}});
  crew.run.Collect(0, Ids(8));
  EXPECT_THAT(crew.Leased(0), ElementsAre(3));
}

TEST(Steal, MovesWholeFiles) {
  const std::vector<std::string> ids = {"a::1", "a::2", "b::1", "b::2",
                                        "c::1", "c::2", "d::1", "d::2"};
  RunPlan plan = MakePlan("loadfile", 1, 2);
  plan.estimates = Estimates({{"a::1", absl::Milliseconds(1)}});
  RunDriver run(std::move(plan));
  run.Ready(0);
  run.Collect(0, ids);
  run.Collect(1, ids);
  run.Forget();
  run.Begin(0, 0);
  run.Run(1, 2);
  run.Run(1, 3);
  for (const RunTests& tests : run.Told<RunTests>()) {
    EXPECT_EQ(tests.positions.size() % 2, 0u);
  }
  for (const ReturnTests& back : run.Told<ReturnTests>()) {
    EXPECT_EQ(back.positions.size() % 2, 0u);
    EXPECT_EQ(back.positions[0] % 2, 0u);
  }
}

TEST(Steal, LeavesABundleThatHasBegunWhereItIs) {
  Crew crew("loadfile", {{"a::1", "a::2", "a::3"}, {"a::1", "a::2", "a::3"}});
  crew.run.Begin(0, 0);
  EXPECT_THAT(crew.Leased(0), ElementsAre(0, 1, 2));
  EXPECT_THAT(crew.run.Told<ReturnTests>(), IsEmpty());
  crew.run.Finish(0, 0);
  EXPECT_THAT(crew.run.Told<ReturnTests>(), IsEmpty());
  EXPECT_THAT(crew.Leased(1), IsEmpty());
}

TEST(Steal, MovesTheRemainderOfABundleTogether) {
  const std::vector<std::string> ids = {"a::1", "a::2", "a::3"};
  Crew crew("loadfile", {ids, ids});
  crew.run.Run(0, 0);
  crew.run.DieIn(0, 1);
  EXPECT_THAT(crew.Leased(1), ElementsAre(2));
}

TEST(Steal, WaitsForABundleItCameTooLateFor) {
  // gw0 has two files; asked for the second one, it has just begun it.
  RunPlan plan = MakePlan("loadfile", 1, 2);
  plan.estimates = Estimates({{"a::1", absl::Milliseconds(1)},
                              {"b::1", absl::Milliseconds(1)},
                              {"b::2", absl::Milliseconds(1)},
                              {"b::3", absl::Milliseconds(1)},
                              {"c::1", absl::Milliseconds(10)}});
  RunDriver run(std::move(plan));
  const std::vector<std::string> ids = {"a::1", "b::1", "b::2", "b::3", "c::1"};
  run.Ready(0);
  run.Collect(0, ids);  // Longest first: c, then b, then a.
  run.Run(0, 4);
  run.Begin(0, 1);  // b, with a behind it.
  run.Collect(1, ids);
  run.Forget();
  run.Return(0, {2, 3});  // A node that gives back what was not asked for.
  EXPECT_THAT(run.Told<RunTests>(), IsEmpty());
  run.Finish(0, 1);
  // Now b is free, and all that is left of it goes to one worker.
  const auto leases = run.Told<RunTests>();
  ASSERT_THAT(leases, SizeIs(1));
  EXPECT_THAT(leases[0].positions, ElementsAre(2, 3));
}

TEST(Steal, TakesOnlyWhatTheThiefHas) {
  Crew crew("worksteal", {{"a", "b", "c", "x", "y"}, {"a"}});
  crew.run.Begin(0, 0);
  for (const ReturnTests& back : crew.run.Told<ReturnTests>()) {
    EXPECT_THAT(back.positions, IsEmpty());
  }
}

TEST(Steal, LooksPastWhatTheThiefLacks) {
  // gw0's queue ends with a test that gw1 has not.
  Crew crew("worksteal",
            {{"a", "b", "c", "d", "y"}, {"c", "b", "a", "d", "z"}});
  const std::vector<uint32_t> first = crew.Leased(0);
  ASSERT_THAT(first, ElementsAre(0, 1, 2));
  crew.run.Forget();
  crew.run.Begin(0, 0);
  for (const uint32_t p : {0, 1, 2, 3, 4}) crew.run.Run(1, p);
  EXPECT_THAT(crew.Asked(0), SizeIs(1));
}

TEST(Steal, LetsARetryGoToWhoHasNothing) {
  Crew crew("worksteal", {Ids(4), Ids(4)}, 1);
  crew.run.Run(1, 2);
  crew.run.Run(1, 3);  // gw1 has nothing and asks gw0 for 1.
  crew.run.Forget();
  crew.run.Run(0, 0, Verdict::kFailed);
  EXPECT_THAT(crew.Leased(1), ElementsAre(0));
}

TEST(Steal, EachNeverMovesAnything) {
  Crew crew("each", {Ids(4), Ids(4)});
  for (const uint32_t p : {0, 1, 2, 3}) crew.run.Run(1, p);
  EXPECT_THAT(crew.run.Told<ReturnTests>(), IsEmpty());
}

}  // namespace
}  // namespace dist
