#include "core/run/collection.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dist {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Row {
  const char* why;
  Selection::Kind kind;
  std::vector<std::string> failed;
  std::vector<uint32_t> order;
  size_t deselected;
};

TEST(Collection, SelectsAsPytestDoes) {
  using Kind = Selection::Kind;
  for (const Row& row : {
           Row{"all run", Kind::kAll, {"b"}, {0, 1, 2, 3}, 0},
           Row{"--lf", Kind::kLastFailed, {"d", "b"}, {1, 3}, 2},
           Row{"--lf, none is here", Kind::kLastFailed, {"x"}, {0, 1, 2, 3}, 0},
           Row{"--lf, nothing failed", Kind::kLastFailed, {}, {0, 1, 2, 3}, 0},
           Row{"--lf, all failed",
               Kind::kLastFailed,
               {"a", "b", "c", "d"},
               {0, 1, 2, 3},
               0},
           Row{"--ff", Kind::kFailedFirst, {"d", "b"}, {1, 3, 0, 2}, 0},
           Row{"--ff, none is here",
               Kind::kFailedFirst,
               {"x"},
               {0, 1, 2, 3},
               0},
       }) {
    SCOPED_TRACE(row.why);
    TestTable table;
    Selection selection{row.kind, {row.failed.begin(), row.failed.end()}};
    const Collection made = MakeCollection({"h", {"a", "b", "c", "d"}, {}},
                                           Arrangement{&selection}, &table);
    EXPECT_EQ(made.order, row.order);
    EXPECT_EQ(made.deselected, row.deselected);
    EXPECT_EQ(made.tests.size(), 4u);
  }
}

struct OrderRow {
  const char* why;
  Together together;
  bool reorder;
  std::vector<double> seconds;  // By test; empty: not known.
  Selection::Kind kind;
  std::vector<std::string> failed;
  std::vector<uint32_t> order;
};

TEST(Collection, PutsWhatIsUrgentFirst) {
  using Kind = Selection::Kind;
  const CollectionListed listed = {
      "h",
      {"f::a", "g::b", "f::c", "g::d[x@y]", "g::e"},
      {{0, "db_net"}, {4, "db_net"}}};
  for (const OrderRow& row : {
           OrderRow{"as collected",
                    Together::kNothing,
                    true,
                    {},
                    Kind::kAll,
                    {},
                    {0, 1, 2, 3, 4}},
           OrderRow{"large files",
                    Together::kFile,
                    true,
                    {},
                    Kind::kAll,
                    {},
                    {1, 3, 4, 0, 2}},
           OrderRow{"--no-loadscope-reorder",
                    Together::kFile,
                    false,
                    {},
                    Kind::kAll,
                    {},
                    {0, 2, 1, 3, 4}},
           OrderRow{"groups of several marks",
                    Together::kGroup,
                    true,
                    {},
                    Kind::kAll,
                    {},
                    {0, 4, 1, 2, 3}},
           OrderRow{"long tests",
                    Together::kNothing,
                    true,
                    {1, 2, 3, 0.01, 0.02},
                    Kind::kAll,
                    {},
                    {2, 1, 0, 3, 4}},
           OrderRow{"long files",
                    Together::kFile,
                    true,
                    {1, 2, 3, 0.01, 0.02},
                    Kind::kAll,
                    {},
                    {0, 2, 1, 3, 4}},
           OrderRow{"failed before long",
                    Together::kNothing,
                    true,
                    {1, 2, 3, 0.01, 0.02},
                    Kind::kFailedFirst,
                    {"g::e"},
                    {4, 2, 1, 0, 3}},
           OrderRow{"failed files",
                    Together::kFile,
                    true,
                    {},
                    Kind::kFailedFirst,
                    {"f::c"},
                    {0, 2, 1, 3, 4}},
           OrderRow{"only failed, by file",
                    Together::kFile,
                    true,
                    {},
                    Kind::kLastFailed,
                    {"f::c", "g::b", "g::e"},
                    {1, 4, 2}},
       }) {
    SCOPED_TRACE(row.why);
    TestTable table;
    const Selection selection{row.kind, {row.failed.begin(), row.failed.end()}};
    absl::flat_hash_map<std::string, absl::Duration> tests;
    for (size_t i = 0; i < row.seconds.size(); ++i) {
      tests[listed.ids[i]] = absl::Seconds(row.seconds[i]);
    }
    const Estimates estimates(std::move(tests));
    const Arrangement how = {&selection, &estimates, row.together, row.reorder};
    EXPECT_EQ(MakeCollection(listed, how, &table).order, row.order);
  }
}

TEST(Collection, KeepsNeighboursThatShareFixturesTogether) {
  const CollectionListed listed = {
      "h",
      {"f::1", "f::2", "f::K::3", "f::K::4", "f::5", "g::6", "g::7", "f::8"},
      {{0, "db"}}};
  struct FixturesRow {
    const char* why;
    std::vector<double> seconds;
    std::vector<std::string> failed;
    std::vector<uint32_t> grouped;  // The order under loadgroup.
    std::vector<uint32_t> order;    // Otherwise.
  };
  for (const FixturesRow& row : {
           FixturesRow{"the module of the longest test comes first",
                       {1, 1, 1, 1, 1, 1, 2, 1},
                       {},
                       {6, 5, 0, 1, 2, 3, 4, 7},
                       {6, 5, 0, 1, 2, 3, 4, 7}},
           FixturesRow{"in it the class of the longest",
                       {1, 2, 1, 3, 1, 1, 1, 1},
                       {},
                       {3, 2, 1, 4, 0, 5, 6, 7},
                       {3, 2, 1, 0, 4, 5, 6, 7}},
           FixturesRow{"short ones are left where they are",
                       {.01, .02, .03, .04, .03, .02, .01, .04},
                       {},
                       {0, 1, 2, 3, 4, 5, 6, 7},
                       {0, 1, 2, 3, 4, 5, 6, 7}},
           FixturesRow{"failed tests leave the rest of their module",
                       {1, 1, 1, 1, 1, 1, 2, 1},
                       {"f::K::4", "g::6"},
                       {3, 5, 6, 0, 1, 2, 4, 7},
                       {3, 5, 6, 0, 1, 2, 4, 7}},
       }) {
    SCOPED_TRACE(row.why);
    const Selection selection{Selection::Kind::kFailedFirst,
                              {row.failed.begin(), row.failed.end()}};
    absl::flat_hash_map<std::string, absl::Duration> tests;
    for (size_t i = 0; i < row.seconds.size(); ++i) {
      tests[listed.ids[i]] = absl::Seconds(row.seconds[i]);
    }
    const Estimates estimates(std::move(tests));
    TestTable table;
    Arrangement how{&selection, &estimates};
    EXPECT_EQ(MakeCollection(listed, how, &table).order, row.order);
    how.together = Together::kGroup;
    EXPECT_EQ(MakeCollection(listed, how, &table).order, row.grouped);
  }
}

TEST(Collection, TakesModulesFromBothEndsWhereNothingIsKnown) {
  const std::vector<std::string> ids = {"a.py::1", "a.py::2", "b.py::1",
                                        "c.py::1", "d.py::1", "d.py::2",
                                        "e.py::1"};
  Arrangement how;
  how.untimed = Untimed::kBothEnds;
  TestTable table;
  EXPECT_THAT(MakeCollection({"h", ids, {}}, how, &table).order,
              ElementsAre(0, 1, 6, 2, 4, 5, 3));
  how.reorder = false;
  EXPECT_THAT(MakeCollection({"h", ids, {}}, how, &table).order,
              ElementsAre(0, 1, 2, 3, 4, 5, 6));
  how.reorder = true;
  const Estimates estimates({{"c.py::1", absl::Seconds(1)}});
  how.estimates = &estimates;
  EXPECT_THAT(MakeCollection({"h", ids, {}}, how, &table).order,
              ElementsAre(0, 1, 2, 3, 4, 5, 6));
}

TEST(Collection, KeepsTwoTestsOfOneIdApart) {
  TestTable table;
  const Collection made =
      MakeCollection({"h", {"a", "b", "a"}, {}}, Arrangement(), &table);
  EXPECT_THAT(made.tests,
              ElementsAre(TestIndex(0), TestIndex(1), TestIndex(2)));
  const Collection again =
      MakeCollection({"g", {"a", "a", "c"}, {}}, Arrangement(), &table);
  EXPECT_THAT(again.tests,
              ElementsAre(TestIndex(0), TestIndex(2), TestIndex(3)));
}

TEST(Collection, KnowsItsMembersSelectedOrNot) {
  TestTable table;
  MakeCollection({"g", {"z"}, {}}, Arrangement(), &table);
  const Selection lf{Selection::Kind::kLastFailed, {"b"}};
  const Collection made =
      MakeCollection({"h", {"a", "b"}, {}}, Arrangement{&lf}, &table);
  EXPECT_FALSE(made.Has(TestIndex(0)));
  EXPECT_TRUE(made.Has(TestIndex(1)));
  EXPECT_TRUE(made.Has(TestIndex(2)));
  EXPECT_FALSE(made.Has(TestIndex(3)));
}

TEST(Collection, MayBeEmpty) {
  TestTable table;
  const Collection made = MakeCollection({"h", {}, {}}, Arrangement(), &table);
  EXPECT_THAT(made.order, IsEmpty());
}

TEST(DescribeDifference, NamesWhatEachSideLacksUpToALimit) {
  TestTable table;
  const Collection ours =
      MakeCollection({"1", {"a", "b", "c", "d"}, {}}, Arrangement(), &table);
  const Collection theirs =
      MakeCollection({"2", {"d", "e"}, {}}, Arrangement(), &table);
  EXPECT_THAT(DescribeDifference(ours, "gw0", theirs, "gw1", table, 2),
              ElementsAre("  only gw0: a", "  only gw0: b",
                          "  only gw0: and 1 more", "  only gw1: e"));
}

TEST(DescribeDifference, IgnoresTheOrder) {
  TestTable table;
  const Collection ours =
      MakeCollection({"1", {"a", "b"}, {}}, Arrangement(), &table);
  const Collection theirs =
      MakeCollection({"2", {"b", "a"}, {}}, Arrangement(), &table);
  EXPECT_THAT(DescribeDifference(ours, "gw0", theirs, "gw1", table, 9),
              IsEmpty());
}

}  // namespace
}  // namespace dist
