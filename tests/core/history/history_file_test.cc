#include "core/history/history_file.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace dist {
namespace {

History Example(size_t tests = 3) {
  History history;
  std::vector<std::string> ids;
  for (size_t i = 0; i < tests; ++i) {
    ids.push_back(absl::StrCat("tests/unit/test_module", i / 100,
                               ".py::TestClass::test_something[", i, "]"));
  }
  MeasuredRun run;
  run.hosts = {"build2"};
  for (size_t i = 0; i < tests; ++i) {
    run.measurements.push_back({ids[i], 0, 1000 * i});
  }
  Absorb(run, &history);
  return history;
}

TEST(HistoryFile, IsReadAsItWasWritten) {
  History history = Example();
  history.hosts[1].pace = 1.25;
  const auto again = ParseHistory(FormatHistory(history));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->runs, history.runs);
  EXPECT_EQ(again->hosts, history.hosts);
  EXPECT_EQ(again->tests, history.tests);
}

TEST(HistoryFile, NoticesEveryDamage) {
  const std::string bytes = FormatHistory(Example());
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] ^= 0x20;
    EXPECT_FALSE(ParseHistory(damaged).ok()) << i;
    EXPECT_FALSE(ParseHistory(bytes.substr(0, i)).ok()) << i;
  }
  EXPECT_FALSE(ParseHistory(bytes + "x").ok());
}

TEST(HistoryFile, TellsAnotherVersionFromDamage) {
  std::string bytes = FormatHistory(Example());
  EXPECT_TRUE(absl::StartsWith(bytes, "dist history 1\n"));
  bytes[13] = '2';
  EXPECT_EQ(ParseHistory(bytes).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

// A bound against accidents (sorting, quadratic work), not a benchmark.
TEST(HistoryFile, ReadsTwentyThousandTestsFast) {
  const std::string bytes = FormatHistory(Example(20000));
  EXPECT_LT(bytes.size(), 20000u * 40);
  absl::Duration best = absl::InfiniteDuration();
  for (int i = 0; i < 5; ++i) {
    const absl::Time start = absl::Now();
    const auto history = ParseHistory(bytes);
    const auto expected = ExpectedDurations(*history, {"build2"});
    best = std::min(best, absl::Now() - start);
    EXPECT_EQ(expected.size(), 20000u);
  }
  RecordProperty("micros", static_cast<int>(absl::ToInt64Microseconds(best)));
  EXPECT_LT(best, absl::Milliseconds(100));
}

}  // namespace
}  // namespace dist
