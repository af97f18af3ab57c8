#include "core/report/bound.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/core/report/report_testing.h"

namespace dist {
namespace {

// A run that began at 0.
class Watched {
 public:
  Watched() { bound_.On(Started()); }

  Watched& Test(const std::string& worker, double from, double to,
                const std::string& host = "localhost") {
    TestStarted started;
    started.at = At(from);
    bound_.On(started);
    TestJudged judged = Judged(0, "t.py::t", Verdict::kPassed);
    judged.worker = worker;
    judged.host = host;
    judged.at = At(to);
    judged.micros = {0, static_cast<uint32_t>((to - from) * 1e6), 0};
    bound_.On(judged);
    return *this;
  }
  Watched& Sync(double from, double to) {
    bound_.On(TreesSynced{"build2", At(from), At(to)});
    return *this;
  }
  std::string Line(double end) const { return bound_.Line(Ended(end)); }

 private:
  Bound bound_;
};

TEST(Bound, IsTheLongestTest) {
  Watched run;
  run.Test("gw3", 15, 77).Test("gw0", 15, 20);
  EXPECT_EQ(run.Line(81),
            "wall 81 s = longest test 62 s on gw3 + 19 s start-up and "
            "collection");
}

TEST(Bound, NamesTheHostThatHasOne) {
  Watched run;
  run.Test("gw3", 15, 77, "build2").Test("gw0", 15, 20);
  EXPECT_EQ(run.Line(81),
            "wall 81 s = longest test 62 s on build2 + 19 s start-up and "
            "collection");
}

TEST(Bound, NamesTheTimeOfSyncing) {
  Watched run;
  run.Sync(1, 13).Test("gw3", 15, 77, "build2").Test("gw0", 15, 20);
  EXPECT_EQ(run.Line(81),
            "wall 81 s = longest test 62 s on build2 + 12 s sync + 7 s "
            "start-up and collection");
}

TEST(Bound, CountsWhatWasSyncedAtOnceOnce) {
  Watched run;
  // One host has nothing to sync, and another begins its tests earlier.
  run.Sync(2, 5).Sync(1, 4).Sync(3, 3).Sync(4, 90);
  run.Test("gw0", 19, 79).Test("gw1", 91, 92);
  EXPECT_EQ(run.Line(92),
            "wall 92 s = 73 s of tests on each of 2 workers (42% busy) + 18 s "
            "sync + 1 s start-up and collection");
}

TEST(Bound, SaysWhatCameBeforeTheLongestTest) {
  Watched run;
  run.Test("gw0", 1, 11).Test("gw1", 1, 9).Test("gw1", 9, 31);
  EXPECT_EQ(run.Line(32),
            "wall 32 s = longest test 22 s on gw1 + 8 s other tests + 2 s "
            "start-up and collection");
}

TEST(Bound, IsTheWorkOfAll) {
  Watched run;
  for (int i = 0; i < 8; ++i) {
    const std::string worker = absl::StrCat("gw", i);
    for (int t = 0; t < 4; ++t) run.Test(worker, 2 + 9 * t, 10.5 + 9 * t);
  }
  run.Test("gw7", 38.5, 39);
  EXPECT_EQ(run.Line(40),
            "wall 40 s = 37 s of tests on each of 8 workers (92% busy) + 3 s "
            "start-up and collection");
}

TEST(Bound, IsTheBusiestWorkerWhereOthersWaited) {
  Watched run;
  for (int t = 0; t < 10; ++t) run.Test("gw0", 1 + 3 * t, 4 + 3 * t);
  run.Test("gw1", 1, 3);
  EXPECT_EQ(run.Line(31),
            "wall 31 s = 30 s of tests on gw0, the busiest of 2 workers + 1 s "
            "start-up and collection");
}

TEST(Bound, ShortRunsInTenths) {
  Watched run;
  run.Test("gw0", 0.3, 0.8);
  EXPECT_EQ(run.Line(1),
            "wall 1.0 s = 0.5 s of tests on 1 worker (100% busy) + 0.5 s "
            "start-up and collection");
}

TEST(Bound, SaysNothingOfARunThatWasStopped) {
  Bound bound;
  bound.On(Started());
  TestStarted started;
  started.at = At(1);
  bound.On(started);
  bound.On(Judged(0, "t.py::t", Verdict::kFailed));
  RunEnded ended = Ended(12);
  EXPECT_NE(bound.Line(ended), "");
  ended.stopped = "stopping after 1 failures";
  EXPECT_EQ(bound.Line(ended), "");
}

TEST(Bound, SaysNothingIfNothingRan) { EXPECT_EQ(Watched().Line(3), ""); }

TEST(Bound, IsInTheSummaryOfLongRuns) {
  const auto text = [](int verbosity, double seconds) {
    ReportOptions options;
    options.verbosity = verbosity;
    Bench bench("terminal", options);
    TestStarted started;
    started.worker = WorkerId(0);
    started.id = Intern("t.py::a");
    started.at = At(0.5);
    bench.Tell(Started(), Announced(0), Grew(1), started,
               Judged(0, "t.py::a", Verdict::kPassed),
               Ended({{Verdict::kPassed, 1}}, seconds));
    return bench.out.text;
  };
  EXPECT_EQ(text(0, 4).find("\nwall "), std::string::npos);
  EXPECT_NE(text(1, 4).find("\nwall 4.0 s = "), std::string::npos);
  EXPECT_NE(text(0, 6).find("\nwall 6.0 s = "), std::string::npos);
  EXPECT_EQ(text(-1, 6).find("\nwall "), std::string::npos);
}

}  // namespace
}  // namespace dist
