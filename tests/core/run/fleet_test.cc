#include "core/run/fleet.h"

#include "gtest/gtest.h"
#include "tests/support/run_driver.h"

namespace dist {
namespace {

class FleetTest : public ::testing::Test {
 protected:
  FleetTest() {
    for (HostState& host : fleet_.hosts()) {
      host.link = HostState::Link::kUp;
      host.cpus = 1;
    }
  }
  const RunPlan plan_ = MakePlan("load", 2, 2);
  Fleet fleet_{plan_};
  Slot* first_ = &fleet_.slots()[0];
  Slot* second_ = &fleet_.slots()[1];
};

TEST_F(FleetTest, NeverUsesAWorkersNumberAgain) {
  const WorkerId one = fleet_.Incarnate(first_);
  EXPECT_EQ(fleet_.Find(one), first_);
  fleet_.Retire(first_, Slot::State::kWaiting);
  EXPECT_EQ(fleet_.Find(one), nullptr);
  const WorkerId two = fleet_.Incarnate(first_);
  EXPECT_NE(one, two);
  EXPECT_EQ(fleet_.Find(one), nullptr);
  EXPECT_EQ(fleet_.Find(two), first_);
}

TEST_F(FleetTest, FindsNobodyForNoWorker) {
  EXPECT_EQ(fleet_.Find(WorkerId()), nullptr);
}

TEST_F(FleetTest, ForgetsWhatTheLastIncarnationHad) {
  fleet_.Incarnate(first_);
  first_->queue.push_back({1, true});
  first_->reports.resize(1);
  first_->collection = 3;
  first_->awaited_hash = "h";
  first_->said_bad = true;
  fleet_.Retire(first_, Slot::State::kWaiting);
  fleet_.Incarnate(first_);
  EXPECT_TRUE(first_->queue.empty());
  EXPECT_TRUE(first_->reports.empty());
  EXPECT_EQ(first_->collection, Slot::kNoCollection);
  EXPECT_FALSE(first_->awaited_hash.has_value());
  EXPECT_FALSE(first_->said_bad);
}

TEST_F(FleetTest, LetsAsManyStartAsThereAreCpus) {
  EXPECT_TRUE(fleet_.MayStartOn(HostId(0)));
  fleet_.Incarnate(first_);
  EXPECT_FALSE(fleet_.MayStartOn(HostId(0)));
  EXPECT_TRUE(fleet_.MayStartOn(HostId(1)));
  fleet_.SetState(first_, Slot::State::kReady);
  EXPECT_TRUE(fleet_.MayStartOn(HostId(0)));
}

TEST_F(FleetTest, HostsOfOneMachineShareItsCpus) {
  NodeReady ready;
  ready.cpus = ready.kernel_cpus = 2;
  ready.kernel = "k";
  fleet_.SetMachine(HostId(0), ready);
  fleet_.SetMachine(HostId(1), ready);
  Slot* const there = &fleet_.slots()[2];
  fleet_.Incarnate(first_);
  EXPECT_TRUE(fleet_.MayStartOn(HostId(1)));
  fleet_.Incarnate(there);
  EXPECT_FALSE(fleet_.MayStartOn(HostId(0)));
  EXPECT_FALSE(fleet_.MayStartOn(HostId(1)));
  fleet_.Retire(first_, Slot::State::kGone);
  EXPECT_TRUE(fleet_.MayStartOn(HostId(0)));
  EXPECT_TRUE(fleet_.MayStartOn(HostId(1)));
}

TEST_F(FleetTest, AMachineHasTheCpusThatItsHostsMayNotUse) {
  NodeReady ready;
  ready.cpus = 1;
  ready.kernel_cpus = 2;
  ready.kernel = "k";
  fleet_.SetMachine(HostId(0), ready);
  fleet_.SetMachine(HostId(1), ready);
  fleet_.Incarnate(first_);
  EXPECT_FALSE(fleet_.MayStartOn(HostId(0)));
  EXPECT_TRUE(fleet_.MayStartOn(HostId(1)));
}

TEST_F(FleetTest, HostsThatDoNotSayWhatTheyRunOnShareNothing) {
  fleet_.SetMachine(HostId(0), NodeReady());
  fleet_.SetMachine(HostId(1), NodeReady());
  fleet_.Incarnate(first_);
  EXPECT_TRUE(fleet_.MayStartOn(HostId(1)));
}

TEST_F(FleetTest, AHostMayComeBackAsAnotherMachine) {
  NodeReady ready;
  ready.kernel = "k";
  fleet_.SetMachine(HostId(0), ready);
  fleet_.SetMachine(HostId(1), ready);
  fleet_.Incarnate(first_);
  fleet_.Retire(first_, Slot::State::kWaiting);
  ready.kernel = "later";
  fleet_.SetMachine(HostId(0), ready);
  fleet_.Incarnate(first_);
  EXPECT_TRUE(fleet_.MayStartOn(HostId(1)));
}

TEST_F(FleetTest, StartsNobodyOnAHostThatIsNotUp) {
  fleet_.host(HostId(0)).link = HostState::Link::kConnecting;
  EXPECT_FALSE(fleet_.MayStartOn(HostId(0)));
}

TEST_F(FleetTest, CountsAsStatesChange) {
  const PlatformId platform(0);
  EXPECT_EQ(fleet_.CountWorkers(platform), 4u);
  EXPECT_EQ(fleet_.CountAlive(), 0u);
  fleet_.Incarnate(first_);
  fleet_.Incarnate(second_);
  EXPECT_TRUE(fleet_.KinStarting(0));
  EXPECT_EQ(fleet_.CountAlive(), 2u);
  fleet_.SetState(first_, Slot::State::kFinishing);
  EXPECT_EQ(fleet_.CountWorkers(platform), 3u);
  EXPECT_EQ(fleet_.CountAlive(), 2u);
  fleet_.Retire(first_, Slot::State::kGone);
  fleet_.Retire(second_, Slot::State::kGone);
  EXPECT_FALSE(fleet_.KinStarting(0));
  EXPECT_EQ(fleet_.CountWorkers(platform), 2u);
  EXPECT_EQ(fleet_.CountAlive(), 0u);
}

TEST_F(FleetTest, KnowsWhoWaitsRestsAndHasPlenty) {
  EXPECT_EQ(fleet_.waiting().count(), 4u);
  fleet_.Incarnate(second_);
  EXPECT_EQ(fleet_.waiting().Next(1), 2u);
  fleet_.SetState(second_, Slot::State::kReady);
  EXPECT_EQ(fleet_.resting().Next(0), 1u);
  EXPECT_EQ(fleet_.CountResting(PlatformId(0)), 1u);
  second_->queue = {{1, true}, {2, false}};
  fleet_.QueueChanged(second_);
  EXPECT_TRUE(fleet_.resting().empty());
  EXPECT_EQ(fleet_.laden().Next(0), 1u);
  fleet_.SetState(second_, Slot::State::kFinishing);
  EXPECT_TRUE(fleet_.laden().empty());
}

TEST(HostStateOf, RemembersTheShortestAnswer) {
  HostState host;
  EXPECT_EQ(host.round_trip, absl::ZeroDuration());
  for (const int ms : {30, 10, 20}) host.Answered(absl::Milliseconds(ms));
  EXPECT_EQ(host.round_trip, absl::Milliseconds(10));
}

TEST(PaceOfASlot, IsBelievedMoreTheMoreIsKnown) {
  Pace pace;
  pace.start = 2;
  EXPECT_EQ(pace.factor(), 2);
  pace.Add(3, 1);
  EXPECT_NEAR(pace.factor(), 2.8, 0.1);
  pace.Add(300, 100);
  EXPECT_NEAR(pace.factor(), 3, 0.01);
}

}  // namespace
}  // namespace dist
