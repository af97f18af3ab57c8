#include "core/report/live.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/core/report/report_testing.h"
#include "tests/core/report/screen.h"

namespace dist {
namespace {

TestStarted Start(uint32_t worker, uint32_t test, double at) {
  TestStarted event;
  event.worker = WorkerId(worker);
  event.test = TestIndex(test);
  event.platform = PlatformId(0);
  event.id = Intern(absl::StrCat("test_a.py::test_", test));
  event.at = At(at);
  return event;
}

// A terminal that shows stdout and stderr.
struct Shown {
  explicit Shown(size_t columns, int verbosity = 0) : screen(columns) {
    ReportOptions options;
    options.live = true;
    options.stdout_is_terminal = true;
    options.columns = columns;
    options.verbosity = verbosity;
    for (const ReporterEntry& entry : Reporters()) {
      if (entry.name == "terminal") {
        reporter = entry.make(options, screen, screen);
      }
    }
  }
  template <class... Events>
  void Tell(const Events&... events) {
    (reporter->OnEvent(events), ...);
  }
  Screen screen;
  std::unique_ptr<Reporter> reporter;
};

TEST(LiveBlock, ShowsWhatRunsTheLongestFirst) {
  Shown shown(60);
  shown.Tell(Started(), Announced(0), Announced(1));
  shown.screen.Clear();
  shown.Tell(Grew(10), Start(0, 0, 3), Start(1, 1, 1));
  shown.reporter->OnTick(At(5));
  EXPECT_EQ(shown.screen.Text(),
            "2 workers [10 items]\n\n"
            "[gw1]     4s test_a.py::test_1\n"
            "[gw0]     2s test_a.py::test_0\n"
            "0/10 [  0%] in 5s");
}

TEST(LiveBlock, IsGoneBeforeAnythingThatStays) {
  Shown shown(60);
  shown.Tell(Started(), Announced(0));
  shown.screen.Clear();
  shown.Tell(Start(0, 0, 0));
  shown.reporter->OnTick(At(1));
  shown.Tell(Judged(0, "test_a.py::test_0", Verdict::kPassed));
  shown.reporter->OnTick(At(2));
  shown.Tell(Judged(1, "test_a.py::test_1", Verdict::kFailed));
  shown.reporter->OnTick(At(3));
  shown.Tell(Ended({{Verdict::kPassed, 1}, {Verdict::kFailed, 1}}));
  shown.reporter->OnTick(At(4));
  const std::vector<std::string> lines =
      absl::StrSplit(shown.screen.Text(), '\n');
  EXPECT_EQ(lines[0], "FAILED test_a.py::test_1");
  EXPECT_EQ(lines[1], "");
  EXPECT_EQ(lines.back(), "");
  EXPECT_EQ(shown.screen.Text().find("[gw0]     "), std::string::npos);
}

TEST(LiveBlock, IsRedrawnAtMostTwentyTimesASecond) {
  StringSink live;
  const Roster roster;
  const Tally tally;
  ReportOptions options;
  options.live = true;
  LiveBlock block(options, live, roster, tally);
  for (int i = 0; i < 1000; ++i) block.Draw(At(i / 1000.0));
  EXPECT_LE(live.writes, 2u * 20);
  EXPECT_GE(live.writes, 2u * 19);
}

TEST(LiveBlock, HasAtMostEightRowsAndFitsAnyTerminal) {
  for (const size_t columns : {0, 1, 2, 10, 40, 200}) {
    Shown shown(columns == 0 ? 80 : columns);
    shown.reporter->OnResize(columns);
    shown.Tell(Started(), Grew(100));
    for (uint32_t i = 0; i < 20; ++i) {
      shown.Tell(Announced(i), Start(i, i, 0));
    }
    shown.screen.Clear();
    shown.reporter->OnTick(At(5));
    const std::string drawn = shown.screen.Text();
    EXPECT_EQ(std::count(drawn.begin(), drawn.end(), '\n'), 9) << columns;
    shown.reporter->OnTick(At(6));
    EXPECT_EQ(shown.screen.rows(), 10u) << columns;
    EXPECT_FALSE(shown.screen.wrapped()) << columns;
  }
}

TEST(LiveBlock, EstimatesTheTimeLeft) {
  StringSink live;
  const Roster roster;
  Tally tally;
  ReportOptions options;
  options.live = true;
  LiveBlock block(options, live, roster, tally);
  block.On(Started());
  block.On(Start(0, 0, 0));
  tally.Grew(100);
  for (int i = 0; i < 10; ++i) tally.Judged(0, Verdict::kPassed);
  block.Draw(At(20));
  EXPECT_NE(live.text.find("10/100 [ 10%] 10 passed in 20s, about 3:00 left"),
            std::string::npos)
      << live.text;
}

TEST(LiveBlock, IsNotDrawnWhereNobodyWatches) {
  for (const int verbosity : {-1, -2}) {
    Shown shown(60, verbosity);
    shown.Tell(Started(), Start(0, 0, 0));
    shown.reporter->OnTick(At(5));
    EXPECT_EQ(shown.screen.Text(), "");
  }
}

}  // namespace
}  // namespace dist
