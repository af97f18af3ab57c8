// What every policy of the table must do, a new one without a new test. The
// rest of its contract, worlds that fall apart, is in tests/sim.
#include <map>
#include <random>
#include <set>

#include "absl/strings/str_cat.h"
#include "core/schedule/policy.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/run_driver.h"

namespace dist {
namespace {

class PolicyContract : public ::testing::TestWithParam<PolicyEntry> {
 protected:
  bool each() const { return GetParam().spread == Spread::kEveryWorkerAll; }
  RunPlan Plan(uint32_t slots) const {
    return MakePlan(std::string(GetParam().name), 1, slots);
  }
  // Calls `check` with many demands and their portions.
  template <class F>
  void ForDemands(size_t max_chunk, F&& check) {
    const auto policy = GetParam().make(PolicyOptions{max_chunk});
    for (const size_t queued : {0, 1, 2, 3, 10, 1000, 100000}) {
      for (const size_t pending : {0, 1, 2, 3, 7, 100, 1000000}) {
        for (const size_t workers : {1, 2, 3, 100, 5000}) {
          for (const int64_t micros : {0, 1, 100, 99999, 100000, 90000000}) {
            for (const bool foreseen : {false, true}) {
              Demand demand;
              demand.queued = queued;
              demand.pending = pending;
              demand.workers = workers;
              demand.idle = queued == 0 ? (workers + 1) / 2 : 0;
              demand.queued_time = queued * absl::Microseconds(micros);
              demand.pending_time = pending * absl::Microseconds(micros);
              demand.foreseen = foreseen;
              check(demand, policy->Next(demand));
            }
          }
        }
      }
    }
  }
};

std::vector<std::string> Ids(size_t count) {
  std::vector<std::string> ids;
  for (size_t i = 0; i < count; ++i) ids.push_back(absl::StrCat("t", i));
  return ids;
}

TEST_P(PolicyContract, NeverLeavesAnIdleWorkerWithoutWork) {
  ForDemands(0, [](const Demand& demand, const Portion& portion) {
    const bool starved = demand.queued == 0 && demand.pending > 0;
    EXPECT_TRUE(!starved || portion.tests > 0);
  });
}

TEST_P(PolicyContract, NeverGivesMoreThanThereIs) {
  ForDemands(0, [](const Demand& demand, const Portion& portion) {
    EXPECT_LE(portion.tests, demand.pending);
  });
}

TEST_P(PolicyContract, HonoursTheLargestChunk) {
  for (const size_t max_chunk : {1, 2, 10}) {
    ForDemands(max_chunk, [=](const Demand& demand, const Portion& portion) {
      EXPECT_LE(portion.tests, max_chunk);
      const bool starved = demand.queued == 0 && demand.pending > 0;
      EXPECT_TRUE(!starved || portion.tests > 0);
    });
  }
}

// Plays nodes that run what they are told, and die as `dies` says.
class Players {
 public:
  Players(RunDriver* run, size_t slots) : run_(*run), collected_(slots) {}

  template <class F>
  void Play(const std::vector<std::vector<std::string>>& lists, F&& dies) {
    run_.Ready(0);
    for (size_t told = 0; run_.Said<RunEnded>().empty(); ++told) {
      if (told == run_.told.size()) break;
      const NodeCommand command = run_.told[told].command;
      if (std::holds_alternative<StartWorker>(command)) {
        for (uint32_t s = 0; s < collected_.size(); ++s) {
          if (run_.worker(s) == collected_[s] || !run_.worker(s).valid()) {
            continue;
          }
          collected_[s] = run_.worker(s);
          run_.Collect(s, lists[s % lists.size()]);
        }
      } else if (const auto* tests = std::get_if<RunTests>(&command)) {
        Run(*tests, dies);
      }
    }
    run_.Close();
  }

 private:
  template <class F>
  void Run(const RunTests& tests, F&& dies) {
    for (uint32_t s = 0; s < collected_.size(); ++s) {
      if (run_.worker(s) != tests.worker) continue;
      if (dead_.count(tests.worker) > 0) return;
      for (const uint32_t position : tests.positions) {
        run_.Begin(s, position);
        if (dies()) {
          dead_.insert(tests.worker);
          return run_.DieIn(s, position);
        }
        run_.Finish(s, position);
      }
    }
  }

  RunDriver& run_;
  std::vector<WorkerId> collected_;
  std::set<WorkerId> dead_;
};

TEST_P(PolicyContract, GivesOneVerdictEachWhenWorkersDieAtRandom) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    RunDriver run(Plan(3));
    std::minstd_rand random(seed + 1);
    size_t deaths = 0;
    Players(&run, 3).Play({Ids(40)}, [&] {
      const bool dies = random() % 8 == 0 && deaths < 90;
      if (dies) ++deaths;
      return dies;
    });
    const size_t units = 40u * (each() ? 3 : 1);
    const auto judged = run.Said<TestJudged>();
    std::set<std::pair<uint32_t, uint32_t>> seen;
    size_t crashed = 0;
    for (const TestJudged& j : judged) {
      seen.emplace(j.platform.value(), j.test.value());
      if (j.verdict == Verdict::kCrashed) ++crashed;
    }
    EXPECT_EQ(judged.size(), units);
    EXPECT_EQ(seen.size(), units);
    EXPECT_EQ(crashed, deaths);  // And nothing but the test that ran.
    EXPECT_EQ(run.status(), deaths > 0 ? 1 : 0);
  }
}

TEST_P(PolicyContract, RunsCollectionsThatDifferInOrderOrContent) {
  RunDriver run(Plan(2));
  const std::vector<std::string> reversed = {"z", "t3", "t2", "t1", "t0"};
  Players(&run, 2).Play({Ids(5), reversed}, [] { return false; });
  std::map<std::string, size_t> times;
  for (const TestJudged& judged : run.Said<TestJudged>()) ++times[*judged.id];
  EXPECT_EQ(times["t0"], each() ? 2u : 1u);
  EXPECT_EQ(times["t4"], 1u);
  EXPECT_EQ(times["z"], 1u);
  EXPECT_EQ(times.size(), 6u);
  EXPECT_EQ(run.status(), 0);
}

TEST_P(PolicyContract, DoesNotHoldTheLastTestBack) {
  RunDriver run(Plan(1));
  Players(&run, 1).Play({Ids(1)}, [] { return false; });
  EXPECT_THAT(run.Verdicts(), ::testing::ElementsAre("t0=passed"));
  EXPECT_EQ(run.status(), 0);
}

INSTANTIATE_TEST_SUITE_P(All, PolicyContract, ::testing::ValuesIn(Policies()),
                         [](const auto& info) {
                           return std::string(info.param.name);
                         });

}  // namespace
}  // namespace dist
