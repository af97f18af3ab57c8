#include "core/run/slot_set.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dist {
namespace {

std::vector<size_t> Members(const SlotSet& set) {
  std::vector<size_t> members;
  for (size_t i = set.Next(0); i != SlotSet::kEnd; i = set.Next(i + 1)) {
    members.push_back(i);
  }
  return members;
}

TEST(SlotSet, HasItsMembersInOrder) {
  SlotSet set(200);
  for (const size_t slot : {199u, 0u, 64u, 63u, 128u}) set.Put(slot, true);
  EXPECT_THAT(Members(set), ::testing::ElementsAre(0, 63, 64, 128, 199));
  EXPECT_EQ(set.count(), 5u);
}

TEST(SlotSet, CountsEachMemberOnce) {
  SlotSet set(3);
  set.Put(1, true);
  set.Put(1, true);
  set.Put(2, false);
  EXPECT_EQ(set.count(), 1u);
  set.Put(1, false);
  set.Put(1, false);
  EXPECT_TRUE(set.empty());
  EXPECT_THAT(Members(set), ::testing::IsEmpty());
}

TEST(SlotSet, MayChangeWhileItIsWalked) {
  SlotSet set(10);
  for (size_t i = 0; i < 10; ++i) set.Put(i, true);
  size_t seen = 0;
  for (size_t i = set.Next(0); i != SlotSet::kEnd; i = set.Next(i + 1)) {
    set.Put(i, false);
    ++seen;
  }
  EXPECT_EQ(seen, 10u);
}

TEST(SlotSet, MayHaveNoRoom) { EXPECT_EQ(SlotSet(0).Next(0), SlotSet::kEnd); }

}  // namespace
}  // namespace dist
