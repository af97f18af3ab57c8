// The checker's rules on who works on what: bundles and idle workers.
#include <algorithm>
#include <utility>

#include "core/schedule/policy.h"
#include "tests/sim/sim_checker.h"

namespace dist {
namespace {

constexpr int64_t kPatience = 220000;  // Beside a few round trips.
constexpr int64_t kHorizon = 250000;   // Work in a queue.
constexpr int64_t kFloor = 10000;      // Beside what round trips need.
constexpr size_t kFirst = 2;           // Tests, while nothing is known.
constexpr absl::Duration kShort = absl::Milliseconds(50);

std::string ModuleOf(const std::string& id) {
  return id.substr(0, id.find("::"));
}

}  // namespace

void SimChecker::SeeBegun(Worker* worker, const std::string& id) {
  worker->running = id;
  worker->left.insert(std::exchange(worker->module, ModuleOf(id)));
  worker->left.erase(worker->module);
}

void SimChecker::AddList(const CollectionListed& listed) {
  collections_[listed.hash] = listed.ids;
  std::vector<std::string>& bundles = bundles_[listed.hash];
  bundles.assign(listed.ids.size(), "");
  const Together together = FindPolicy(plan_.mode)->together;
  std::map<uint32_t, std::string> groups(listed.groups.begin(),
                                         listed.groups.end());
  for (uint32_t p = 0; p < listed.ids.size(); ++p) {
    bundles[p] = std::string(BundleKey(together, listed.ids[p], groups[p]));
  }
}

std::string SimChecker::BundleOf(const Worker& worker,
                                 uint32_t position) const {
  const auto found = bundles_.find(worker.hash);
  return found == bundles_.end() || position >= found->second.size()
             ? ""
             : found->second[position];
}

bool SimChecker::Unhold(Worker* worker, uint32_t position) {
  const auto at =
      std::find(worker->leased.begin(), worker->leased.end(), position);
  if (at == worker->leased.end()) return false;
  worker->leased.erase(at);
  held_.erase(KeyOf(*worker, *IdAt(*worker, position)));
  const std::string bundle = BundleOf(*worker, position);
  if (!bundle.empty()) --bundle_holders_[KeyOf(*worker, bundle)].second;
  return true;
}

// I11: a bundle is on one worker at a time, in the order collected.
void SimChecker::SeeBundles(const Worker& worker, const RunTests& run) {
  std::map<std::string, uint32_t> last;
  for (const uint32_t position : run.positions) {
    const std::string bundle = BundleOf(worker, position);
    if (bundle.empty()) continue;
    const auto [before, first] = last.try_emplace(bundle, position);
    if (!first && position < before->second) Fail(bundle + " is out of order");
    before->second = position;
    auto& [holder, count] = bundle_holders_[KeyOf(worker, bundle)];
    if (count > 0 && holder != run.worker.value()) {
      Fail(bundle + " is with two workers");
    }
    holder = run.worker.value();
    ++count;
  }
}

// What a lease had before its last test or bundle must have been too little.
// Only where times are measured in this run: expected ones may be wrong.
void SimChecker::CheckDepth(const Worker& worker, const RunTests& run) {
  if (plan_.mode == "each" || plan_.mode == "worksteal") return;
  if (plan_.estimates.known() || run.positions.empty()) return;
  size_t before = worker.leased.size() - 1;
  const std::string bundle = BundleOf(worker, run.positions.back());
  for (size_t i = run.positions.size() - 1; i-- > 0 && !bundle.empty();) {
    if (BundleOf(worker, run.positions[i]) == bundle) --before;
  }
  if (done_ == 0) {
    if (before >= kFirst) Fail("too much is leased while nothing is known");
    return;
  }
  const int64_t mean =
      std::max<int64_t>(busy_ / static_cast<int64_t>(done_), 100);
  const int64_t depth = std::max(kHorizon, kFloor + 3 * round_trip_);
  if (static_cast<int64_t>(before) * mean > depth + mean) {
    Fail("too much is leased ahead");
  }
}

void SimChecker::CheckMemory() {
  const Ledger& ledger = machine_.ledger();
  const size_t lists = std::max<size_t>(collections_.size(), 1);
  if (ledger.notes() > 2 * lists * ledger.units()) {
    Fail("the ledger remembers too much");
  }
}

// ---- Work conservation ----------------------------------------------------

int64_t SimChecker::Patience() const { return kPatience + 2 * round_trip_; }

// A short test may wait rather than bring a module back.
bool SimChecker::MayStay(const Worker& idle, const std::string& id) const {
  if (idle.left.count(ModuleOf(id)) == 0) return false;
  return !plan_.estimates.known() || plan_.estimates.Of(id) < kShort;
}

// Whether something in the queue of `busy` has not begun and could move.
bool SimChecker::HasMovable(const Worker& busy, const Worker& idle) const {
  const std::string front = BundleOf(busy, busy.leased[0]);
  for (size_t i = 1; i < busy.leased.size(); ++i) {
    const std::string bundle = BundleOf(busy, busy.leased[i]);
    if (!bundle.empty() && (bundle == front || busy.hash != idle.hash)) {
      continue;  // All of it would have to move.
    }
    const auto found = collections_.find(idle.hash);
    const std::string* id = IdAt(busy, busy.leased[i]);
    if (bundle.empty() && MayStay(idle, *id)) continue;
    if (std::count(found->second.begin(), found->second.end(), *id) > 0) {
      return true;
    }
  }
  return false;
}

void SimChecker::CheckIdle(uint32_t id, const Worker& idle) {
  for (const auto& [other, busy] : workers_) {
    if (other == id || busy.over || busy.leased.size() < 2) continue;
    if (FindPolicy(plan_.mode)->spread != Spread::kShared) break;
    if (now_ - busy.leased_at < Patience()) continue;  // Just got it.
    if (HasMovable(busy, idle)) Fail("a worker idles while another has tests");
  }
  const TestTable& tests = machine_.tests();
  const PlatformId platform = plan_.workers[idle.slot].platform;
  const std::vector<std::string>& ids = collections_.at(idle.hash);
  for (uint32_t t = 0; t < tests.size(); ++t) {
    const TestIndex test(t);
    if (!machine_.ledger().Has(platform, test)) continue;
    if (machine_.ledger().unit(platform, test).state != Unit::State::kPending) {
      continue;
    }
    const auto at = std::find(ids.begin(), ids.end(), tests.id(test));
    if (at == ids.end()) continue;
    const auto position = static_cast<uint32_t>(at - ids.begin());
    const std::string bundle = BundleOf(idle, position);
    const auto holder = bundle_holders_.find(KeyOf(idle, bundle));
    if (holder != bundle_holders_.end() && holder->second.second > 0) continue;
    Fail("a worker idles while a test is pending");
  }
}

void SimChecker::CheckIdle(int64_t now) {
  if (stopped_ || plan_.collect_only || ends_ > 0) return;
  if (now - idle_checked_ < kPatience / 10) return;
  idle_checked_ = now;
  for (auto& [id, worker] : workers_) {
    const bool idle = worker.collected && !worker.over && !worker.finishing &&
                      worker.leased.empty() &&
                      collections_.count(worker.hash) > 0;
    if (!idle) {
      worker.idle_since = -1;
    } else if (worker.idle_since < 0) {
      worker.idle_since = now;
    } else if (now - worker.idle_since > Patience()) {
      CheckIdle(id, worker);
    }
  }
}

}  // namespace dist
