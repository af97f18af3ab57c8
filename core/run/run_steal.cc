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

}  // namespace

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
  if (slot.asked_back || slot.state != Slot::State::kReady) return false;
  if (slot.queue.size() < 2) return false;
  const BundleId last = BundleAt(slot, slot.queue.size() - 1);
  return !last.valid() || last != BundleAt(slot, 0);
}

// Whether what the slot has not begun takes long enough, or its running test
// does, for the round trip and the fixtures that moving tests costs.
bool RunMachine::IsWorthMoving(const Slot& slot) const {
  if (now_ - slot.active_at >= kWorthMoving) return true;
  if (plan_.estimates.known()) {
    const double first = ExpectedAt(slot, slot.queue.front().position);
    return absl::Seconds(slot.queued_time - first) >= kWorthMoving;
  }
  const auto waiting = static_cast<int64_t>(slot.queue.size() - 1);
  return done_ == 0 || MeanTime() * waiting >= kWorthMoving;
}

// Who may give something away, the one that would end last in front.
std::vector<Slot*> RunMachine::FindVictims() {
  std::vector<Slot*> victims;
  absl::Time look_again = absl::InfiniteFuture();
  for (Slot& slot : fleet_.slots()) {
    if (!MayGiveAway(slot)) continue;
    if (IsWorthMoving(slot)) {
      victims.push_back(&slot);
    } else {
      look_again = std::min(look_again, slot.active_at + kWorthMoving);
    }
  }
  if (look_again < absl::InfiniteFuture()) WakeForSteal(look_again);
  const bool timed = plan_.estimates.known();
  std::stable_sort(victims.begin(), victims.end(),
                   [&](const Slot* a, const Slot* b) {
                     return timed ? a->queued_time > b->queued_time
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
  std::vector<Slot*> idle;
  for (Slot& slot : fleet_.slots()) {
    if (slot.state == Slot::State::kReady && slot.queue.empty()) {
      idle.push_back(&slot);
    }
  }
  if (idle.empty()) return;
  const std::vector<Slot*> victims = FindVictims();
  if (victims.empty()) return;
  // Among so many does a victim share its work; it keeps a part.
  const size_t shares = 1 + std::max<size_t>(1, idle.size() / victims.size());
  absl::flat_hash_set<size_t> hopeless;  // Collections nobody has tests of.
  absl::Span<Slot* const> left = victims;
  for (const Slot* slot : idle) {
    while (!left.empty() && left.front()->asked_back) left.remove_prefix(1);
    if (left.empty()) return;
    if (hopeless.contains(slot->collection)) continue;
    if (!StealFor(*slot, left, shares) && slot->left_modules.empty()) {
      hopeless.insert(slot->collection);
    }
  }
}

}  // namespace dist
