#include "transports/install_turn.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <memory>
#include <thread>

#include "absl/time/clock.h"

namespace dist {
namespace {

constexpr absl::Duration kLong = absl::Seconds(60);
const Patience kPatient;

bool Await(InstallTurn* turn) {
  const auto ours = turn->Await(kLong, kPatient);
  EXPECT_TRUE(ours.ok()) << ours.status();
  return ours.value_or(false);
}

TEST(InstallTurn, FirstHasTheTurn) {
  InstallTurn turn("first");
  EXPECT_TRUE(Await(&turn));
}

TEST(InstallTurn, OthersOfThePlaceHearThatItIsInstalled) {
  InstallTurn first("others"), second("others"), third("others");
  ASSERT_TRUE(Await(&first));
  bool seconds = true;
  std::thread waits([&] { seconds = Await(&second); });
  first.Fulfill();
  waits.join();
  EXPECT_FALSE(seconds);
  EXPECT_FALSE(Await(&third));
  InstallTurn late("others");
  EXPECT_FALSE(Await(&late));
}

TEST(InstallTurn, GoesToTheNextIfItIsGivenUp) {
  auto first = std::make_unique<InstallTurn>("given up");
  InstallTurn second("given up"), third("given up");
  ASSERT_TRUE(Await(first.get()));
  bool seconds = false;
  std::thread waits([&] { seconds = Await(&second); });
  first.reset();
  waits.join();
  EXPECT_TRUE(seconds);
  second.Fulfill();
  EXPECT_FALSE(Await(&third));
}

TEST(InstallTurn, PlacesHaveNothingToDoWithEachOther) {
  InstallTurn one("one"), another("another");
  EXPECT_TRUE(Await(&one));
  EXPECT_TRUE(Await(&another));
  one.Fulfill();
  EXPECT_TRUE(Await(&another));
}

TEST(InstallTurn, ComesToEverybodyInTheEnd) {
  InstallTurn first("slow"), second("slow");
  const auto ours = second.Await(absl::Milliseconds(1), kPatient);
  ASSERT_TRUE(ours.ok());
  EXPECT_TRUE(*ours);
}

TEST(InstallTurn, WaitsNoLongerThanTheCallerWants) {
  InstallTurn first("cancelled"), second("cancelled");
  OwnedFd cancel(eventfd(1, EFD_CLOEXEC));
  Patience patience;
  patience.cancel_fd = cancel.get();
  EXPECT_EQ(second.Await(kLong, patience).status().code(),
            absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace dist
