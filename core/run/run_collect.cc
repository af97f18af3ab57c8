// The run machine's dealings with collections.
#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/run/run_machine.h"

namespace dist {
namespace {

constexpr size_t kDifferencesShown = 10;

}  // namespace

bool RunMachine::Collected(const Slot& slot) const {
  const bool alike =
      entry_.spread == Spread::kShared && !plan_.strict_collection;
  return alike ? fleet_.KinCollected(slot.plan->kin) : slot.collected;
}

size_t RunMachine::Deselected() const {
  return std::accumulate(deselected_.begin(), deselected_.end(), size_t{0});
}

void RunMachine::On(HostId host, const CollectorReported& e) {
  Slot* slot = Find(host, e.worker);
  if (slot != nullptr) ReportCollector(slot, e.report);
}

void RunMachine::ReportCollector(Slot* slot, const PhaseReport& report) {
  const bool skipped = report.verdict == Verdict::kSkipped;
  if (!skipped) slot->said_bad = true;
  // Every worker of a platform meets the same broken module; but one that is
  // skipped here may be broken there.
  const std::string key = absl::StrCat(
      slot->plan->platform.value(), skipped ? " skipped " : " ", report.nodeid);
  if (!seen_collectors_.insert(key).second) return;
  ++(skipped ? collect_skips_ : collect_errors_);
  Say(CollectorFailed{slot->name(), HostName(*slot), slot->plan->platform,
                      report});
  if (skipped) return;
  ++failures_;
  CheckFailures();
}

// Once the end has begun the list of tests is closed: what a worker that
// nobody waited for collects would be counted and never run.
void RunMachine::On(HostId host, const CollectionReported& e) {
  Slot* slot = Find(host, e.worker);
  if (slot == nullptr || phase_ != Phase::kRunning) return;
  if (slot->state != Slot::State::kStarting) return;
  slot->deselected = e.deselected;
  for (size_t i = 0; i < collections_.size(); ++i) {
    if (collections_[i].hash == e.hash) return Attach(slot, i);
  }
  slot->awaited_hash = e.hash;
  const bool first = asked_hashes_.emplace(host, e.hash).second;
  if (first && !e.list_follows) Tell(*slot, ListCollection{e.hash});
}

void RunMachine::On(HostId host, const CollectionListed& e) {
  asked_hashes_.erase({host, e.hash});
  if (phase_ != Phase::kRunning) return;
  std::vector<Slot*> awaiting;
  for (Slot& slot : fleet_.slots()) {
    const bool starting = slot.state == Slot::State::kStarting;
    if (starting && slot.awaited_hash == e.hash) awaiting.push_back(&slot);
  }
  if (awaiting.empty()) return;
  const size_t number = collections_.size();
  const Arrangement arrangement = {
      &plan_.selection, &plan_.estimates, entry_.together, plan_.reorder,
      plan_.workers.size() > 1 ? entry_.untimed : Untimed::kAsCollected};
  collections_.push_back(MakeCollection(e, arrangement, &tests_));
  for (Slot* slot : awaiting) {
    slot->awaited_hash.reset();
    Attach(slot, number);
  }
}

void RunMachine::Compare(const Slot& slot, const Collection& collection) {
  Reference& reference = references_[slot.plan->platform.value()];
  if (reference.slot == nullptr) {
    reference = {&slot, slot.collection};
    return;
  }
  const Slot& first = *reference.slot;
  std::vector<std::string> lines =
      DescribeDifference(collections_[reference.collection], first.name(),
                         collection, slot.name(), tests_, kDifferencesShown);
  if (lines.empty()) return;
  lines.insert(lines.begin(),
               absl::StrCat(slot.name(), " (", HostName(slot),
                            ") collected other tests than ", first.name(), " (",
                            HostName(first), "):"));
  Say(CollectionsDiffer{std::move(lines)});
  if (!plan_.strict_collection || collections_differ_) return;
  collections_differ_ = true;
  Say(NoticeGiven{"collections differ, which --strict-collection forbids",
                  "every test is run where it was collected; the run fails"});
}

// Says what the collection brings that no earlier one of the platform did.
void RunMachine::List(PlatformId platform, size_t number) {
  const Collection& collection = collections_[number];
  TestsListed listed{platform, {}};
  for (const uint32_t position : collection.order) {
    const TestIndex test = collection.tests[position];
    if (!ledger_.Has(platform, test)) listed.ids.push_back(tests_.id(test));
  }
  const bool first = references_[platform.value()].slot == nullptr;
  if (first || !listed.ids.empty()) Say(std::move(listed));
}

void RunMachine::Attach(Slot* slot, size_t number) {
  const Collection& collection = collections_[number];
  const PlatformId platform = slot->plan->platform;
  slot->collection = number;
  fleet_.SetCollected(slot);
  slot->early_deaths = 0;
  fleet_.SetKinCollected(slot->plan->kin);
  fleet_.SetState(slot, Slot::State::kReady);
  LetGoOn(*slot);
  if (!ledger_.HasCollection(platform, number)) {
    if (plan_.collect_only) List(platform, number);
    Compare(*slot, collection);
    ledger_.AddCollection(platform, number, collection);
  }
  size_t& deselected = deselected_[platform.value()];
  deselected = std::max(deselected, slot->deselected + collection.deselected);
  Say(CollectionGrew{slot->worker, ledger_.units(), fleet_.CountCollected(),
                     Deselected()});
  replan_ = true;
}

}  // namespace dist
