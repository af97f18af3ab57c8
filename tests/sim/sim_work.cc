// The checker's rules on who works on what: bundles, leases, idle workers.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/sim/sim_checker.h"

namespace dist {
namespace {

constexpr int64_t kPatience = 220000;  // Beside a few round trips.
constexpr int64_t kHorizon = 250000;   // Work in a queue.
constexpr int64_t kFloor = 10000;      // Beside what round trips need.
constexpr int64_t kSmall = 20;         // Round trips in a slow test.
constexpr size_t kFirst = 2;           // Tests, while nothing is known.
constexpr size_t kChunk = 1000;        // Of `each`.
constexpr double kShort = 0.05;        // Seconds.
constexpr int64_t kWorthMoving = 50000;

absl::string_view ModuleOf(absl::string_view id) {
  return id.substr(0, id.find("::"));
}

}  // namespace

void SimChecker::SeeBegun(Worker* worker, uint32_t test) {
  worker->running = test;
  worker->left.resize(modules_.size());
  const uint32_t before = std::exchange(worker->module, module_of_[test]);
  if (before != kNone) worker->left[before] = true;
  worker->left[worker->module] = false;
}

void SimChecker::AddList(const CollectionListed& listed) {
  List& list = lists_[listed.hash];
  if (std::exchange(list.listed, true)) return;
  std::vector<absl::string_view> groups(listed.ids.size());
  for (const auto& [position, group] : listed.groups) groups[position] = group;
  for (uint32_t p = 0; p < listed.ids.size(); ++p) {
    const std::string& id = listed.ids[p];
    const uint32_t test = Number(id, &tests_);
    list.tests.push_back(test);
    const absl::string_view key = BundleKey(entry_.together, id, groups[p]);
    list.bundles.push_back(key.empty() ? kNone : Number(key, &bundles_));
    list.bundled = list.bundled || !key.empty();
    if (module_of_.size() <= test) {
      module_of_.resize(test + 1);
      expected_.resize(test + 1);
    }
    module_of_[test] = Number(ModuleOf(id), &modules_);
    expected_[test] =
        std::max(1e-4, absl::ToDoubleSeconds(plan_.estimates.Of(id)));
  }
  list.has.resize(tests_.size());
  const auto failed = [&](const std::string& id) {
    return plan_.selection.failed.contains(id);
  };
  const bool lf = plan_.selection.kind == Selection::Kind::kLastFailed &&
                  std::any_of(listed.ids.begin(), listed.ids.end(), failed);
  for (uint32_t p = 0; p < listed.ids.size(); ++p) {
    list.has[list.tests[p]] = !lf || failed(listed.ids[p]);
  }
}

bool SimChecker::Unhold(Worker* worker, uint32_t position) {
  const auto at =
      std::find(worker->leased.begin(), worker->leased.end(), position);
  if (at == worker->leased.end()) return false;
  worker->leased.erase(at);
  UnitOf(worker->platform, TestAt(*worker, position)).held = false;
  const uint32_t bundle = BundleAt(*worker, position);
  if (bundle != kNone) --BundleOf(worker->platform, bundle).count;
  return true;
}

void SimChecker::SeeBundles(const Worker& worker, const RunTests& run) {
  if (entry_.together == Together::kNothing) return;
  for (size_t i = 0; i < run.positions.size(); ++i) {
    const uint32_t position = run.positions[i];
    const uint32_t number = BundleAt(worker, position);
    if (number == kNone) continue;
    for (size_t j = 0; j < i; ++j) {
      if (run.positions[j] > position &&
          BundleAt(worker, run.positions[j]) == number) {
        Fail("I11", "a bundle is out of order");
      }
    }
    Unit& bundle = BundleOf(worker.platform, number);
    if (bundle.count > 0 && bundle.holder != run.worker.value()) {
      Fail("I11", "a bundle is with two workers");
    }
    bundle.holder = run.worker.value();
    ++bundle.count;
  }
}

// ---- How much is leased ---------------------------------------------------

// Slots that hold or may get leases; or only those that hold none.
size_t SimChecker::CountSharers(uint32_t platform, bool idle) const {
  size_t count = 0;
  for (const Worker& worker : workers_) {
    if (!worker.known || worker.over || worker.finishing) continue;
    if (worker.platform != platform || (idle && !worker.leased.empty())) {
      continue;
    }
    ++count;
  }
  return std::max<size_t>(count, 1);
}

// Before the lease counts.
void SimChecker::CheckShare(const Worker& worker, const RunTests& run) {
  const size_t leased = run.positions.size();
  const bool alone = entry_.together == Together::kNothing;
  if (alone && plan_.max_chunk > 0 && leased > plan_.max_chunk) {
    return Fail("I8", "a lease beyond --maxschedchunk");
  }
  if (plan_.mode != "worksteal" || plan_.estimates.known()) return;
  if (!worker.leased.empty()) Fail("I8", "more for a worker that has some");
  const PlatformId platform(worker.platform);
  const size_t pending = machine_.ledger().pending(platform) + unseen_tests_;
  const size_t idle = CountSharers(worker.platform, true);
  if (leased > (pending + idle - 1) / idle) {
    Fail("I8", "more than its share for a worker");
  }
}

// How many tests the worker has beside the last one, or the last bundle, of
// the lease: they must have been too little.
size_t SimChecker::Ahead(const Worker& worker, const RunTests& run) const {
  size_t before = worker.leased.size() - 1;
  const uint32_t bundle = BundleAt(worker, run.positions.back());
  for (size_t i = run.positions.size() - 1; i-- > 0 && bundle != kNone;) {
    if (BundleAt(worker, run.positions[i]) == bundle) --before;
  }
  return before;
}

void SimChecker::CheckAhead(const Worker& worker, const RunTests& run) {
  if (run.positions.empty()) return;
  CheckAheadBy(worker, run);
  for (const uint32_t position : run.positions) {
    --unseen_tests_;
    unseen_time_ -= ExpectedAt(worker, position);
  }
}

void SimChecker::CheckAheadBy(const Worker& worker, const RunTests& run) {
  if (entry_.spread == Spread::kEveryWorkerAll) {
    const size_t chunk = plan_.max_chunk == 0 ? kChunk : plan_.max_chunk;
    if (worker.leased.size() > chunk + chunk / 2) {
      Fail("I8", "too much is leased ahead");
    }
    return;
  }
  if (plan_.estimates.known()) {
    CheckAheadByTime(worker, run, Ahead(worker, run));
  } else if (plan_.mode != "worksteal") {
    CheckAheadByCount(Ahead(worker, run));
  }
}

void SimChecker::CheckAheadByCount(size_t before) {
  if (done_ == 0) {
    if (before >= kFirst) Fail("I8", "too much while nothing is known");
    return;
  }
  const int64_t mean =
      std::max<int64_t>(busy_ / static_cast<int64_t>(done_), 100);
  const int64_t depth = std::max(kHorizon, kFloor + 3 * round_trip_);
  if (static_cast<int64_t>(before) * mean > depth + mean) {
    Fail("I8", "too much is leased ahead");
  }
}

void SimChecker::CheckAheadByTime(const Worker& worker, const RunTests& run,
                                  size_t before) {
  double time = 0;
  for (size_t i = 0; i < before; ++i) {
    time += ExpectedAt(worker, worker.leased[i]);
  }
  if (!worker.list->bundled) {
    // From the end of the order the first one was taken last.
    const double first = ExpectedAt(worker, run.positions.front());
    const double last = ExpectedAt(worker, run.positions.back());
    time -= std::max(0.0, first - last);
  }
  const double micros = 1e6 * time * paces_[worker.slot].factor();
  const int64_t floor = kFloor + 3 * round_trip_;
  auto depth = static_cast<double>(std::max(kHorizon, floor));
  if (plan_.mode == "worksteal") {
    const PlatformId platform(worker.platform);
    const double pending =
        absl::ToDoubleSeconds(machine_.ledger().pending_time(platform)) +
        unseen_time_;
    const auto sharers =
        static_cast<double>(CountSharers(worker.platform, false));
    depth = std::max(static_cast<double>(floor),
                     1e6 * pending * pace_.factor() / sharers / 2);
  }
  // One waits behind a test that a round trip is not small beside.
  const auto slow = static_cast<double>(kSmall * round_trip_);
  const size_t had = worker.leased.size() - run.positions.size();
  if (had == 1 && before == 1 && micros <= slow) return;
  if (micros > 1.01 * depth + 1000) {
    Fail("I8", absl::StrCat("too much is leased ahead: ", before, " tests, ",
                            micros / 1000, " ms, not ", depth / 1000));
  }
}

// Each list may note a test, and each bundle those it keeps waiting.
void SimChecker::CheckMemory() {
  const Ledger& ledger = machine_.ledger();
  const size_t tests = machine_.tests().size();
  for (uint32_t p = 0; p < grown_.size(); ++p) {
    if (ledger.notes(PlatformId(p)) > 2 * grown_[p].size() * tests) {
      Fail("I15", "the ledger remembers too much");
    }
  }
}

// ---- Work conservation ----------------------------------------------------

int64_t SimChecker::Patience() const { return kPatience + 2 * round_trip_; }

// A short test may wait rather than bring a module back.
bool SimChecker::MayStay(const Worker& idle, uint32_t test) const {
  const uint32_t module = module_of_[test];
  if (module >= idle.left.size() || !idle.left[module]) return false;
  return !plan_.estimates.known() || expected_[test] < kShort;
}

// Whether what waits there seems to take less than to move it.
bool SimChecker::LooksShort(const Worker& busy) const {
  if (!plan_.estimates.known() && done_ == 0) return false;
  const auto worth =
      static_cast<double>(std::max<int64_t>(kWorthMoving, round_trip_ * 3 / 2));
  double micros = 0;
  for (size_t i = 1; i < busy.leased.size(); ++i) {
    if (plan_.estimates.known()) {
      micros += 1e6 * ExpectedAt(busy, busy.leased[i]);
    } else {
      micros += static_cast<double>(busy_) / static_cast<double>(done_);
    }
  }
  if (plan_.estimates.known()) micros *= paces_[busy.slot].factor();
  return micros < worth;
}

// Whether something in the queue of `busy` has not begun and could move.
bool SimChecker::HasMovable(const Worker& busy, const Worker& idle) const {
  const uint32_t front = BundleAt(busy, busy.leased[0]);
  for (size_t i = 1; i < busy.leased.size(); ++i) {
    const uint32_t bundle = BundleAt(busy, busy.leased[i]);
    if (bundle != kNone && (bundle == front || busy.list != idle.list)) {
      continue;  // All of it would have to move.
    }
    const uint32_t test = busy.list->tests[busy.leased[i]];
    if (bundle == kNone && MayStay(idle, test)) continue;
    if (test < idle.list->has.size() && idle.list->has[test]) return true;
  }
  return false;
}

void SimChecker::CheckPending(const Worker& idle) {
  const PlatformId platform(idle.platform);
  const Ledger& ledger = machine_.ledger();
  if (ledger.pending(platform) == 0) return;
  const List& list = *idle.list;
  for (uint32_t t = 0; t < machine_.tests().size(); ++t) {
    const TestIndex index(t);
    if (!ledger.Has(platform, index) ||
        ledger.unit(platform, index).state != dist::Unit::State::kPending) {
      continue;
    }
    const uint32_t test = TestOf(index);
    if (test >= list.has.size() || !list.has[test]) continue;
    const auto at = std::find(list.tests.begin(), list.tests.end(), test);
    const uint32_t bundle =
        list.bundles[static_cast<size_t>(at - list.tests.begin())];
    if (bundle != kNone && BundleOf(idle.platform, bundle).count > 0) continue;
    Fail("I14", "a worker idles while a test is pending");
  }
}

void SimChecker::CheckIdle(const Worker& idle) {
  for (const Worker& busy : workers_) {
    if (entry_.spread != Spread::kShared) break;
    if (&busy == &idle || busy.over || busy.leased.size() < 2) continue;
    if (now_ - busy.leased_at < Patience()) continue;  // Just got it.
    if (now_ - busy.reported_at < Patience() && LooksShort(busy)) continue;
    if (HasMovable(busy, idle)) {
      Fail("I14", "a worker idles while another has tests");
    }
  }
  CheckPending(idle);
}

void SimChecker::CheckIdle(int64_t now) {
  if (stopped_ || plan_.collect_only || ends_ > 0) return;
  if (now - idle_checked_ < kPatience / 10) return;
  idle_checked_ = now;
  for (Worker& worker : workers_) {
    const bool idle = worker.collected && !worker.over && !worker.finishing &&
                      worker.leased.empty() && worker.list->listed;
    if (!idle) {
      worker.idle_since = -1;
    } else if (worker.idle_since < 0) {
      worker.idle_since = now;
    } else if (now - worker.idle_since > Patience()) {
      CheckIdle(worker);
    }
  }
}

}  // namespace dist
