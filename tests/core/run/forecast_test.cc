#include "core/run/forecast.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "tests/support/run_driver.h"

namespace dist {
namespace {

CollectionListed List(size_t tests) {
  CollectionListed list;
  for (size_t i = 0; i < tests; ++i) {
    list.ids.push_back(absl::StrCat("t", i % 4, ".py::t", i));
  }
  return list;
}

// Test 7 takes 10 s, the others 1 s.
absl::Duration OneIsLong(const PlannedWorker&, const std::string& id) {
  return id == "t3.py::t7" ? absl::Seconds(10) : absl::Seconds(1);
}

Estimates Known(const CollectionListed& list) {
  absl::flat_hash_map<std::string, absl::Duration> known;
  for (const std::string& id : list.ids) {
    known.emplace(id, OneIsLong(PlannedWorker(), id));
  }
  return Estimates(std::move(known));
}

TEST(Forecast, EqualTestsFillAllWorkers) {
  const Forecast forecast =
      MakeForecast(MakePlan("load", 1, 4), {List(40)},
                   [](const PlannedWorker&, const std::string&) {
                     return absl::Seconds(1);
                   });
  EXPECT_EQ(forecast.tests, 40u);
  EXPECT_EQ(forecast.total, absl::Seconds(40));
  EXPECT_EQ(forecast.bound, absl::Seconds(10));
  EXPECT_EQ(forecast.makespan, absl::Seconds(10));
  EXPECT_EQ(forecast.workers[3].name, "gw3");
  EXPECT_EQ(forecast.workers[3].host, "host0");
  EXPECT_EQ(forecast.workers[3].tests, 10u);
}

TEST(Forecast, StartsTheLongestFirst) {
  const CollectionListed list = List(31);
  RunPlan plan = MakePlan("load", 1, 4);
  plan.estimates = Known(list);
  const Forecast forecast = MakeForecast(plan, {list}, OneIsLong);
  EXPECT_EQ(forecast.longest, absl::Seconds(10));
  EXPECT_EQ(forecast.longest_id, "t3.py::t7");
  EXPECT_EQ(forecast.makespan, absl::Seconds(10));
  EXPECT_EQ(forecast.bound, absl::Seconds(10));
}

TEST(Forecast, UnderEachEveryWorkerRunsAll) {
  const CollectionListed list = List(10);
  const Forecast forecast =
      MakeForecast(MakePlan("each", 1, 2), {list, list}, OneIsLong);
  EXPECT_EQ(forecast.tests, 20u);
  EXPECT_EQ(forecast.makespan, absl::Seconds(19));
  EXPECT_EQ(forecast.bound, absl::Seconds(19));
}

TEST(Forecast, EndsUnderEveryPolicy) {
  const CollectionListed list = List(100);
  for (const PolicyEntry& entry : Policies()) {
    RunPlan plan = MakePlan(std::string(entry.name), 2, 3);
    plan.estimates = Known(list);
    const std::vector<CollectionListed> lists(plan.platforms.size(), list);
    const Forecast forecast = MakeForecast(plan, lists, OneIsLong);
    EXPECT_EQ(forecast.tests, 100 * plan.platforms.size()) << entry.name;
    EXPECT_GE(forecast.makespan, forecast.bound) << entry.name;
    EXPECT_LE(forecast.makespan, absl::Seconds(150)) << entry.name;
  }
}

TEST(Forecast, NothingTakesNoTime) {
  const Forecast forecast =
      MakeForecast(MakePlan("load", 1, 2), {CollectionListed()}, OneIsLong);
  EXPECT_EQ(forecast.tests, 0u);
  EXPECT_EQ(forecast.makespan, absl::ZeroDuration());
}

}  // namespace
}  // namespace dist
