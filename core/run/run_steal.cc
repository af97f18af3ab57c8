// The run machine moves tests that have not started to workers that have
// nothing to do, so that none idles while another has a queue.
#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/types/span.h"
#include "core/run/mutants.h"
#include "core/run/run_machine.h"

namespace dist {
namespace {

// Less work than this waits for its worker rather than move; a shorter test
// does not move to a worker that has left its module.
constexpr absl::Duration kWorthMoving = absl::Milliseconds(50);
// More need not be compared to find one that would end late.
constexpr size_t kEnoughVictims = 64;
// What moves is asked for, comes, and goes.
constexpr double kTripsOfAMove = 1.5;

}  // namespace

absl::Duration RunMachine::WorthMoving(const Slot& slot) const {
  return std::max(kWorthMoving,
                  kTripsOfAMove * fleet_.host(slot.plan->host).round_trip);
}

BundleId RunMachine::BundleAt(const Slot& slot, size_t i) const {
  return ledger_.BundleOf(slot.plan->platform,
                          TestAt(slot, slot.queue[i].position));
}

// Index of the first leased test that may go elsewhere: what comes first in the
// queue runs or is about to, and what must stay together with it stays.
size_t RunMachine::FirstMovable(const Slot& slot) const {
  if (slot.queue.empty()) return 0;
  const BundleId first = BundleAt(slot, 0);
  size_t i = 1;
  if (!first.valid()) return i;
  while (i < slot.queue.size() && BundleAt(slot, i) == first) ++i;
  return i;
}

bool RunMachine::CanRun(const Slot& slot, const Slot& holder,
                        uint32_t position) const {
  return slot.collection == holder.collection ||
         collections_[slot.collection].Has(TestAt(holder, position));
}

// Whether the test would have `slot` set up the fixtures of a module again that
// it has torn down, for too little: nobody knows what that costs.
bool RunMachine::WouldReturn(const Slot& slot, const Slot& holder,
                             uint32_t position) const {
  if (slot.left_modules.empty()) return false;
  const std::string& id = tests_.id(TestAt(holder, position));
  const double expected = ExpectedAt(holder, position);
  const absl::Duration takes =
      expected > 0 ? absl::Seconds(expected) : MeanTime();
  return takes < kWorthMoving &&
         slot.left_modules.contains(BundleKey(Together::kFile, id, ""));
}

bool RunMachine::MayGiveAway(const Slot& slot) const {
  if (slot.asked_back) return false;
  const BundleId last = BundleAt(slot, slot.queue.size() - 1);
  return !last.valid() || last != BundleAt(slot, 0);
}

// Whether what the slot has not begun takes long enough, or its running test
// does, for the round trip and the fixtures that moving tests costs.
bool RunMachine::IsWorthMoving(const Slot& slot) const {
  const absl::Duration worth = WorthMoving(slot);
  if (now_ - slot.active_at >= worth) return true;
  if (plan_.estimates.known()) {
    const double first = ExpectedAt(slot, slot.queue.front().position);
    return absl::Seconds((slot.queued_time - first) * slot.pace.factor()) >=
           worth;
  }
  const auto waiting = static_cast<int64_t>(slot.queue.size() - 1);
  return done_ == 0 || MeanTime() * waiting >= worth;
}

// Who may give something away, the one that would end last in front. Of many
// only some are looked at, others the next time.
std::vector<Slot*> RunMachine::FindVictims() {
  std::vector<Slot*> victims;
  absl::Time look_again = absl::InfiniteFuture();
  const SlotSet& laden = fleet_.laden();
  const size_t enough = std::max(kEnoughVictims, 2 * fleet_.resting().count());
  for (size_t n = laden.count(); n > 0 && victims.size() < enough; --n) {
    size_t at = laden.Next(next_victim_);
    if (at == SlotSet::kEnd) at = laden.Next(0);
    next_victim_ = at + 1;
    Slot& slot = fleet_.slots()[at];
    if (!MayGiveAway(slot)) continue;
    if (IsWorthMoving(slot)) {
      victims.push_back(&slot);
    } else {
      look_again = std::min(look_again, slot.active_at + WorthMoving(slot));
    }
  }
  if (look_again < absl::InfiniteFuture()) WakeForSteal(look_again);
  const bool timed = plan_.estimates.known();
  std::stable_sort(victims.begin(), victims.end(),
                   [&](const Slot* a, const Slot* b) {
                     return timed ? QueuedTime(*a) > QueuedTime(*b)
                                  : a->queue.size() > b->queue.size();
                   });
  return victims;
}

// What `idle` may run of the end of the victim's queue, whole bundles only,
// until the victim keeps one of `shares` of its work.
std::vector<uint32_t> RunMachine::Loot(const Slot& victim, const Slot& idle,
                                       size_t shares) const {
  const auto weight = [&](size_t i) {
    const double expected = ExpectedAt(victim, victim.queue[i].position);
    return expected > 0 ? expected : 1.0;
  };
  const size_t movable = FirstMovable(victim);
  double wanted = 0;
  for (size_t i = movable; i < victim.queue.size(); ++i) wanted += weight(i);
  wanted -= wanted / static_cast<double>(shares);
  std::vector<uint32_t> loot;
  for (size_t end = victim.queue.size(); end > movable && wanted > 0;) {
    size_t first = end - 1;
    const BundleId bundle = BundleAt(victim, first);
    while (bundle.valid() && first > movable &&
           BundleAt(victim, first - 1) == bundle) {
      --first;
    }
    bool can = !bundle.valid() || bundle != BundleAt(victim, 0);
    for (size_t i = first; i < end && can; ++i) {
      const uint32_t position = victim.queue[i].position;
      can = CanRun(idle, victim, position) &&
            (bundle.valid() || !WouldReturn(idle, victim, position));
    }
    double block = 0;
    for (size_t i = first; i < end; ++i) block += weight(i);
    // Never more than is wanted, but one at least.
    if (can && !loot.empty() && block > wanted) break;
    for (size_t i = end; i-- > first && can;) {
      loot.push_back(victim.queue[i].position);
    }
    if (can) wanted -= block;
    end = first;
  }
  std::reverse(loot.begin(), loot.end());
  return loot;
}

// Asks the first of `victims` that has something for `idle`.
bool RunMachine::StealFor(const Slot& idle, absl::Span<Slot* const> victims,
                          size_t shares) {
  for (Slot* victim : victims) {
    if (victim->asked_back || victim->plan->platform != idle.plan->platform) {
      continue;
    }
    ReturnTests back{victim->worker, Loot(*victim, idle, shares)};
    if (back.positions.empty()) continue;
    victim->asked_back = true;
    if (Mutated(Mutant::kTakeBeforeAnswer)) {
      ledger_.Return(victim->plan->platform,
                     TestAt(*victim, back.positions.back()));
      replan_ = true;
    }
    Tell(*victim, std::move(back));
    return true;
  }
  return false;
}

void RunMachine::WakeForSteal(absl::Time at) {
  if (steal_wake_ > now_ && steal_wake_ <= at) return;
  steal_wake_ = at;
  out_.push_back(WakeAt{at});
}

void RunMachine::Steal() {
  if (entry_.spread != Spread::kShared || plan_.collect_only) return;
  if (Mutated(Mutant::kNeverSteal)) return;
  const SlotSet& resting = fleet_.resting();
  if (resting.empty() || fleet_.laden().empty()) return;
  const std::vector<Slot*> victims = FindVictims();
  if (victims.empty()) return;
  // Among so many does a victim share its work; it keeps a part.
  const size_t shares =
      1 + std::max<size_t>(1, resting.count() / victims.size());
  absl::flat_hash_set<size_t> hopeless;  // Collections nobody has tests of.
  absl::Span<Slot* const> left = victims;
  for (size_t i = resting.Next(0); i != SlotSet::kEnd;
       i = resting.Next(i + 1)) {
    const Slot& slot = fleet_.slots()[i];
    while (!left.empty() && left.front()->asked_back) left.remove_prefix(1);
    if (left.empty()) return;
    if (hopeless.contains(slot.collection)) continue;
    if (!StealFor(slot, left, shares) && slot.left_modules.empty()) {
      hopeless.insert(slot.collection);
    }
  }
}

}  // namespace dist
