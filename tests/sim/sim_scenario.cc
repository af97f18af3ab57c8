// What a seed decides before anything happens.
#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "tests/sim/sim_state.h"

namespace dist {
namespace sim {
namespace {

RunPlan RandomPlan(const std::string& mode, const SimCut& cut, Random* random) {
  RunPlan plan;
  plan.mode = mode;
  const bool each = FindPolicy(mode)->spread == Spread::kEveryWorkerAll;
  if (!each) plan.platforms.push_back("");
  const size_t hosts = std::min<size_t>(cut.hosts, 1 + random->Below(4));
  const size_t kins = 1 + random->Below(2);
  for (uint32_t h = 0; h < hosts; ++h) {
    plan.hosts.push_back({absl::StrCat("h", h)});
    const size_t slots = std::min<size_t>(cut.slots, 1 + random->Below(4));
    for (size_t s = 0; s < slots; ++s) {
      PlannedWorker worker;
      worker.host = HostId(h);
      worker.kin = static_cast<uint32_t>(h % kins);
      worker.platform = PlatformId(each ? plan.workers.size() : 0);
      worker.setup.name = absl::StrCat("gw", plan.workers.size());
      if (each) plan.platforms.push_back(worker.setup.name);
      plan.workers.push_back(std::move(worker));
    }
  }
  if (random->Percent(30)) plan.max_chunk = 1 + random->Below(3);
  if (random->Percent(20)) plan.maxfail = 1 + random->Below(3);
  if (random->Percent(30)) plan.retries = 1 + random->Below(2);
  plan.max_restarts = random->Below(20);
  plan.collect_only = random->Percent(4);
  plan.grace = absl::Seconds(1);
  plan.selection.kind = static_cast<Selection::Kind>(random->Below(3));
  plan.reorder = random->Percent(70);
  plan.strict_collection = random->Percent(10);
  return plan;
}

Fate RandomFate(bool calm, Random* random) {
  const uint64_t dice = random->Below(calm ? 70 : 100);
  if (dice < 65) return Fate::kPass;
  if (dice < 75) return Fate::kFail;
  if (dice < 82) return Fate::kFlaky;
  if (dice < 86) return Fate::kLate;
  if (dice < 91) return Fate::kCrash;
  if (dice < 94) return Fate::kTimeout;
  if (dice < 95) return Fate::kExit;
  if (dice < 97) return Fate::kHang;
  return Fate::kKillHost;
}

void AddTests(bool calm, const SimCut& cut, Random* moods, Scenario* scenario) {
  Random& random = scenario->random;
  const size_t tests = std::min<size_t>(cut.tests, random.Below(25));
  const size_t few = 1 + random.Below(6);
  const size_t files = moods->Percent(30) ? 1 + moods->Below(15) : few;
  const bool harmless = scenario->dreadful || moods->Percent(20);
  const uint64_t groups = moods->Percent(30) ? 1 + moods->Below(6) : 0;
  if (groups > 0) scenario->differ = moods->Percent(60);
  const bool failing = moods->Percent(6);
  if (failing) scenario->plan.maxfail = 1 + moods->Below(3);
  const bool mixed = random.Percent(30);  // Files are not consecutive.
  for (size_t i = 0; i < tests; ++i) {
    const size_t file = mixed ? i % files : i * files / tests;
    scenario->ids.push_back(
        absl::StrCat("f", file, i % 3 == 0 ? "::C" : "", "::t", i));
    scenario->groups.push_back(
        random.Percent(50) ? absl::StrCat("g", random.Below(3)) : "");
    const Fate fate = RandomFate(calm, &random);
    scenario->fates.push_back(cut.fates && !harmless ? fate : Fate::kPass);
    if (failing && cut.fates) scenario->fates.back() = Fate::kFail;
    if (groups > 0) {
      scenario->groups.back() = absl::StrCat("g", moods->Below(groups));
    }
    const uint64_t dice = random.Below(100);
    const int64_t most = dice < 5 ? 3000 : dice < 15 ? 900 : 30;
    scenario->times.push_back(
        static_cast<int64_t>(random.Below(static_cast<uint64_t>(most))) * kMs);
    if (i % 2 == 1) scenario->plan.selection.failed.insert(scenario->ids[i]);
  }
}

// Right, or wrong by ten times either way.
void AddEstimates(Scenario* scenario) {
  absl::flat_hash_map<std::string, absl::Duration> tests;
  for (size_t i = 0; i < scenario->ids.size(); ++i) {
    const absl::Duration right = absl::Microseconds(scenario->times[i]);
    const uint64_t dice = scenario->random.Below(3);
    tests[scenario->ids[i]] = dice == 0   ? right
                              : dice == 1 ? right * 10
                                          : right / 10;
  }
  scenario->plan.estimates = Estimates(std::move(tests));
}

}  // namespace

Scenario MakeScenario(const SimCase& which) {
  Scenario scenario;
  scenario.random = Random(which.seed);
  scenario.plan = RandomPlan(which.mode, which.cut, &scenario.random);
  const bool calm = scenario.random.Percent(30);
  Random moods(which.seed ^ 0x5eed);  // Likewise of its own.
  scenario.dreadful = moods.Percent(10);
  AddTests(calm, which.cut, &moods, &scenario);
  if (scenario.random.Percent(40)) AddEstimates(&scenario);
  for (size_t h = 0; h < scenario.plan.hosts.size(); ++h) {
    scenario.slow.push_back(scenario.random.Percent(20));
  }
  Random links(~which.seed);  // Of its own: seeds stay what they were.
  for (size_t h = 0; h < scenario.plan.hosts.size(); ++h) {
    const bool far = links.Percent(20);
    scenario.delays.push_back(far ? static_cast<int64_t>(links.Below(60)) * kMs
                                  : 0);
  }
  scenario.differ = scenario.random.Percent(20) || scenario.differ;
  scenario.refuses = scenario.random.Percent(2);
  scenario.trouble = calm ? 0 : scenario.random.Below(12);
  scenario.link_trouble = scenario.trouble;
  if (scenario.dreadful) {
    scenario.trouble = 0;
    scenario.link_trouble = 80 + moods.Below(20);
  }
  return scenario;
}

}  // namespace sim
}  // namespace dist
