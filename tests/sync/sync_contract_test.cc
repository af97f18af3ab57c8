// Every tree of the table, carried over by a source and a target.
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "core/manifest/digest.h"
#include "sync/source.h"
#include "sync/target.h"
#include "tests/support/sync_rig.h"
#include "tests/support/sync_trees.h"

namespace dist {
namespace {

bool IsSpecial(const std::string& name) {
  return name == "fifo" || name == "socket";
}

class SyncContract : public ::testing::TestWithParam<TreeCase> {
 protected:
  SyncContract() { GetParam().make(rig_.here()); }

  // There is now what is here.
  void ExpectSame(const SyncOutcome& outcome) {
    ASSERT_EQ(outcome.error, "");
    EXPECT_EQ(ViewOf(outcome.done.path), ViewOf(rig_.here(), IsSpecial));
  }

  SyncRig rig_;
};

TEST_P(SyncContract, ATreeArrivesAsItIs) {
  const auto snapshot = SnapshotOf(rig_.here());
  EXPECT_EQ(snapshot->warnings().size(),
            static_cast<size_t>(GetParam().warnings));
  ExpectSame(rig_.Sync());
}

TEST_P(SyncContract, AnUnchangedTreeTakesOneRoundTripAndNothingElse) {
  ExpectSame(rig_.Sync());
  rig_.likely_known = true;
  const SyncOutcome again = rig_.Sync();
  ExpectSame(again);
  EXPECT_EQ(again.round_trips, 1);
  EXPECT_EQ(again.done.changed, 0u);
  EXPECT_EQ(again.sent, 0u);
}

TEST_P(SyncContract, AFreshHostGetsASmallTreeInOneRoundTrip) {
  rig_.fresh = true;
  const SyncOutcome outcome = rig_.Sync();
  ExpectSame(outcome);
  if (outcome.done.received <= kMaxUnasked) {
    EXPECT_EQ(outcome.round_trips, 1);
  }
  // What it says may be out of date.
  rig_.likely_known = true;
  const SyncOutcome again = rig_.Sync();
  ExpectSame(again);
  EXPECT_EQ(again.round_trips, 1);
  EXPECT_EQ(again.done.received, 0u);
}

TEST_P(SyncContract, AChangeTakesTwoRoundTripsAndSendsOnlyItself) {
  ExpectSame(rig_.Sync());
  WriteFile(rig_.Here("changed/file"), "one more");
  const SyncOutcome again = rig_.Sync();
  ExpectSame(again);
  EXPECT_LE(again.round_trips, 2);
  EXPECT_EQ(again.done.received, 8u);
}

TEST_P(SyncContract, AChangeOfALargeFileTakesTwoRoundTripsAndSendsADelta) {
  std::string bytes;
  while (bytes.size() < 3 << 20) {
    absl::StrAppend(&bytes, DigestOf(absl::StrCat(bytes.size())).view());
  }
  WriteFile(rig_.Here("changed/file"), bytes);
  ExpectSame(rig_.Sync());
  bytes.insert(bytes.size() / 2, "in the middle");
  WriteFile(rig_.Here("changed/file"), bytes);
  const SyncOutcome again = rig_.Sync();
  ExpectSame(again);
  EXPECT_LE(again.round_trips, 2);
  EXPECT_LT(again.sent, 20'000u);
}

TEST_P(SyncContract, EverythingDeletedIsDeletedThere) {
  ExpectSame(rig_.Sync());
  for (const auto& [path, what] : ViewOf(rig_.here())) {
    if (path.find('/') == std::string::npos) RemoveFolder(rig_.Here(path));
  }
  const SyncOutcome again = rig_.Sync();
  ExpectSame(again);
  EXPECT_TRUE(ViewOf(again.done.path).empty());
}

TEST_P(SyncContract, AFolderOfTheUsersGetsIt) {
  const std::string there = NewFolder();
  WriteFile(there + "/mine", "not yours");
  const SyncOutcome outcome = rig_.Sync(there);
  ASSERT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.done.path, there);
  EXPECT_EQ(
      ViewOf(there, [](const std::string& name) { return name == "mine"; }),
      ViewOf(rig_.here(), IsSpecial));
  EXPECT_EQ(ReadFile(there + "/mine"), "not yours");
  const SyncOutcome again = rig_.Sync(there);
  EXPECT_EQ(again.error, "");
  EXPECT_EQ(again.done.changed, 0u);
  RemoveFolder(there);
}

INSTANTIATE_TEST_SUITE_P(All, SyncContract, ::testing::ValuesIn(TreeCases()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace dist
