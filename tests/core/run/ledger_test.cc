#include "core/run/ledger.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dist {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const PlatformId kHere(0);
const PlatformId kThere(1);
const WorkerId kAnn(7);
const WorkerId kBob(8);

Portion Up(size_t tests) { return {tests, absl::InfiniteDuration()}; }

Collection Make(const std::vector<std::string>& ids, TestTable* table) {
  return MakeCollection({"", ids, {}}, Arrangement(), table);
}

class LedgerTest : public ::testing::Test {
 protected:
  TestTable table_;
  const Collection abc_ = Make({"a", "b", "c"}, &table_);
  const Collection dcb_ = Make({"d", "c", "b"}, &table_);
  const TestIndex a_{0}, b_{1}, c_{2}, d_{3};
  Ledger ledger_{2};
};

TEST_F(LedgerTest, CountsATestOncePerPlatform) {
  EXPECT_EQ(ledger_.AddCollection(kHere, 0, abc_), 3u);
  EXPECT_EQ(ledger_.AddCollection(kHere, 0, abc_), 0u);
  EXPECT_EQ(ledger_.AddCollection(kHere, 1, dcb_), 1u);
  EXPECT_EQ(ledger_.AddCollection(kThere, 1, dcb_), 3u);
  EXPECT_EQ(ledger_.units(), 7u);
  EXPECT_EQ(ledger_.pending(kHere), 4u);
  EXPECT_TRUE(ledger_.Has(kHere, a_));
  EXPECT_FALSE(ledger_.Has(kThere, a_));
  EXPECT_FALSE(ledger_.Has(kThere, TestIndex(99)));
}

TEST_F(LedgerTest, LeasesInTheOrderOfTheCollection) {
  ledger_.AddCollection(kHere, 0, abc_);
  ledger_.AddCollection(kHere, 1, dcb_);
  EXPECT_THAT(ledger_.Lease(kHere, 0, Up(2), kAnn), ElementsAre(0, 1));
  EXPECT_THAT(ledger_.Lease(kHere, 1, Up(9), kBob), ElementsAre(0, 1));
  EXPECT_THAT(ledger_.Lease(kHere, 0, Up(9), kAnn), IsEmpty());
  EXPECT_FALSE(ledger_.AnyPending(kHere, 0));
}

TEST_F(LedgerTest, LeasesFromTheEndToo) {
  const Collection letters = Make({"l", "m", "n", "o", "p"}, &table_);
  ledger_.AddCollection(kHere, 0, letters);
  EXPECT_THAT(ledger_.Lease(kHere, 0, Up(2), kAnn, Ledger::From::kEnd),
              ElementsAre(3, 4));
  EXPECT_THAT(ledger_.Lease(kHere, 0, Up(1), kBob), ElementsAre(0));
  // What comes back from behind the end is found from the front as well.
  ledger_.Return(kHere, letters.tests[4]);
  EXPECT_THAT(ledger_.Lease(kHere, 0, Up(1), kAnn, Ledger::From::kEnd),
              ElementsAre(2));
  EXPECT_THAT(ledger_.Lease(kHere, 0, Up(9), kBob), ElementsAre(4, 1));
  EXPECT_FALSE(ledger_.AnyPending(kHere, 0));
}

TEST_F(LedgerTest, LeasesSuspectsAlone) {
  const Collection letters = Make({"l", "m", "n", "o", "p"}, &table_);
  ledger_.AddCollection(kHere, 0, letters);
  ledger_.SetSuspect(kHere, letters.tests[1], true);
  ledger_.SetSuspect(kHere, letters.tests[2], true);
  EXPECT_THAT(ledger_.Lease(kHere, 0, Up(9), kAnn), ElementsAre(0));
  const auto none = Ledger::Suspects::kNone;
  EXPECT_THAT(ledger_.Lease(kHere, 0, Up(9), kAnn, Ledger::From::kFront, none),
              IsEmpty());
  EXPECT_THAT(ledger_.Lease(kHere, 0, Up(9), kAnn), ElementsAre(1));
  ledger_.SetSuspect(kHere, letters.tests[2], false);
  EXPECT_THAT(ledger_.Lease(kHere, 0, Up(9), kAnn), ElementsAre(2, 3, 4));
}

TEST_F(LedgerTest, LeasesABundleWithASuspectAlone) {
  Arrangement files;
  files.together = Together::kFile;
  const Collection two =
      MakeCollection({"", {"f::a", "f::b", "g::a"}, {}}, files, &table_);
  ledger_.AddCollection(kHere, 0, two);
  ledger_.SetSuspect(kHere, two.tests[1], true);
  EXPECT_THAT(ledger_.Lease(kHere, 0, Up(9), kAnn), ElementsAre(0, 1));
  EXPECT_TRUE(ledger_.IsSuspect(kHere, two.tests[1]));
  EXPECT_THAT(ledger_.Lease(kHere, 0, Up(9), kAnn), ElementsAre(2));
}

TEST_F(LedgerTest, NotesATestThatComesBackOnce) {
  ledger_.AddCollection(kHere, 0, abc_);
  ledger_.AddCollection(kHere, 1, dcb_);
  ledger_.Lease(kHere, 1, Up(9), kBob);
  ledger_.Return(kHere, b_);
  const size_t notes = ledger_.notes(kHere);
  for (int i = 0; i < 10; ++i) {
    ledger_.Lease(kHere, 0, Up(9), kAnn);
    ledger_.Return(kHere, a_);
    ledger_.Return(kHere, b_);
  }
  EXPECT_LE(ledger_.notes(kHere), notes + 2);
}

TEST_F(LedgerTest, LeasesNothingOfACollectionThatIsNotThere) {
  EXPECT_THAT(ledger_.Lease(kHere, 0, Up(9), kAnn), IsEmpty());
  EXPECT_FALSE(ledger_.AnyPending(kHere, 0));
}

TEST_F(LedgerTest, PutsReturnedTestsBackInTheirPlaceForAll) {
  ledger_.AddCollection(kHere, 0, abc_);
  ledger_.AddCollection(kHere, 1, dcb_);
  ledger_.Lease(kHere, 0, Up(3), kAnn);
  ledger_.Lease(kHere, 1, Up(1), kBob);
  ledger_.Return(kHere, c_);
  ledger_.Return(kHere, b_);
  EXPECT_EQ(ledger_.pending(kHere), 2u);
  EXPECT_THAT(ledger_.Lease(kHere, 0, Up(1), kAnn), ElementsAre(1));
  EXPECT_THAT(ledger_.Lease(kHere, 1, Up(9), kBob), ElementsAre(1));
  EXPECT_FALSE(ledger_.AnyPending(kHere, 0));
  ledger_.Return(kHere, b_);
  EXPECT_THAT(ledger_.Lease(kHere, 1, Up(9), kBob), ElementsAre(2));
}

TEST(LedgerBundles, AreWithOneWorkerAtATimeAndInOrder) {
  TestTable table;
  const Arrangement by_file = {nullptr, nullptr, Together::kFile, false};
  const Collection files =
      MakeCollection({"", {"f::a", "g::x", "f::b"}, {}}, by_file, &table);
  Ledger ledger(1);
  ledger.AddCollection(kHere, 0, files);
  EXPECT_THAT(ledger.Lease(kHere, 0, Up(1), kAnn), ElementsAre(0, 2));
  const TestIndex a(0);
  const TestIndex b(2);
  ledger.Return(kHere, a);  // To be tried again: when nobody holds the file.
  EXPECT_THAT(ledger.Lease(kHere, 0, Up(9), kBob), ElementsAre(1));
  EXPECT_FALSE(ledger.AnyPending(kHere, 0));
  EXPECT_FALSE(ledger.TakeFreed());
  ledger.Judge(kHere, b, Verdict::kPassed);
  EXPECT_TRUE(ledger.TakeFreed());
  EXPECT_THAT(ledger.Lease(kHere, 0, Up(9), kBob), ElementsAre(0));
}

TEST(LedgerBundles, AreFoundAgainThroughCollectionsThatGroupOtherwise) {
  TestTable table;
  const Arrangement grouped = {nullptr, nullptr, Together::kGroup, false};
  const Collection marked =
      MakeCollection({"1", {"a", "b"}, {{0, "g"}, {1, "g"}}}, grouped, &table);
  const Collection plain =
      MakeCollection({"2", {"a", "b"}, {}}, grouped, &table);
  Ledger ledger(1);
  ledger.AddCollection(kHere, 0, marked);
  ledger.AddCollection(kHere, 1, plain);
  ledger.Lease(kHere, 1, Up(1), kAnn);
  EXPECT_FALSE(ledger.AnyPending(kHere, 1));  // Passed over: g is with Ann.
  ledger.Judge(kHere, TestIndex(0), Verdict::kPassed);
  EXPECT_THAT(ledger.Lease(kHere, 1, Up(9), kBob), ElementsAre(1));
}

TEST_F(LedgerTest, KnowsWhoHoldsAndWhoJudgedATest) {
  ledger_.AddCollection(kHere, 0, abc_);
  ledger_.Lease(kHere, 0, Up(1), kAnn);
  EXPECT_NE(ledger_.HeldBy(kHere, a_, kAnn), nullptr);
  EXPECT_EQ(ledger_.HeldBy(kHere, a_, kBob), nullptr);
  EXPECT_EQ(ledger_.HeldBy(kHere, b_, kAnn), nullptr);
  EXPECT_EQ(ledger_.JudgedBy(kHere, a_, kAnn), nullptr);
  ledger_.Judge(kHere, a_, Verdict::kPassed);
  EXPECT_EQ(ledger_.HeldBy(kHere, a_, kAnn), nullptr);
  EXPECT_NE(ledger_.JudgedBy(kHere, a_, kAnn), nullptr);
  EXPECT_EQ(ledger_.JudgedBy(kHere, a_, kBob), nullptr);
}

TEST_F(LedgerTest, IsCompleteWhenAllAreJudged) {
  ledger_.AddCollection(kHere, 0, abc_);
  ledger_.Lease(kHere, 0, Up(1), kAnn);
  ledger_.Judge(kHere, a_, Verdict::kPassed);
  EXPECT_THAT(ledger_.PendingOf(kHere), ElementsAre(b_, c_));
  ledger_.Judge(kHere, b_, Verdict::kLost);
  EXPECT_FALSE(ledger_.complete());
  ledger_.Judge(kHere, c_, Verdict::kLost);
  EXPECT_TRUE(ledger_.complete());
  EXPECT_EQ(ledger_.pending(kHere), 0u);
  EXPECT_EQ(ledger_.count(Verdict::kLost), 2u);
}

TEST_F(LedgerTest, MovesTheCountWithAnAmendedVerdict) {
  ledger_.AddCollection(kHere, 0, abc_);
  ledger_.Judge(kHere, a_, Verdict::kPassed);
  ledger_.Amend(kHere, a_, Verdict::kError);
  EXPECT_EQ(ledger_.count(Verdict::kPassed), 0u);
  EXPECT_EQ(ledger_.count(Verdict::kError), 1u);
  EXPECT_EQ(ledger_.judged(), 1u);
}

}  // namespace
}  // namespace dist
