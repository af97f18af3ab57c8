// The run machine hands out tests: how many by the policy, measured in what
// this run or earlier ones know of times, round trips and paces.
#include <algorithm>
#include <cmath>
#include <utility>

#include "core/run/mutants.h"
#include "core/run/run_machine.h"

namespace dist {
namespace {

// No test takes no time: without this a lease of such tests had no end.
constexpr absl::Duration kShortestTest = absl::Microseconds(100);

// A worker of such a pace is slower than others, and not just by chance.
constexpr double kSlow = 1.5;

}  // namespace

// What one test takes, as far as this run knows.
absl::Duration RunMachine::MeanTime() const {
  if (done_ == 0) return absl::ZeroDuration();
  return std::max(busy_ / static_cast<int64_t>(done_), kShortestTest);
}

Demand RunMachine::DemandOf(const Slot& slot) const {
  const PlatformId platform = slot.plan->platform;
  Demand demand;
  demand.queued = slot.queue.size();
  demand.pending = ledger_.pending(platform);
  demand.workers = fleet_.CountWorkers(platform);
  demand.idle = fleet_.CountIdle(platform);
  demand.round_trip = fleet_.host(slot.plan->host).round_trip;
  demand.foreseen = plan_.estimates.known();
  if (demand.foreseen) {
    demand.queued_time = QueuedTime(slot);
    demand.pending_time = ledger_.pending_time(platform) * pace_.factor();
  } else {
    const absl::Duration mean = MeanTime();
    demand.queued_time = mean * static_cast<int64_t>(demand.queued);
    demand.pending_time = mean * static_cast<int64_t>(demand.pending);
  }
  return demand;
}

absl::Duration RunMachine::QueuedTime(const Slot& slot) const {
  return absl::Seconds(std::max(0.0, slot.queued_time) * slot.pace.factor());
}

// Without estimates a portion is a number of tests; with them, of the time that
// is expected of tests in general.
Portion RunMachine::Measured(const Slot& slot, Portion portion) const {
  const absl::Duration mean = MeanTime();
  if (plan_.estimates.known()) portion.time /= slot.pace.factor();
  if (plan_.estimates.known() || portion.tests == 0 ||
      mean == absl::ZeroDuration() ||
      portion.time == absl::InfiniteDuration()) {
    return portion;
  }
  const double tests = std::ceil(absl::FDivDuration(portion.time, mean));
  const auto most = static_cast<double>(portion.tests);
  portion.tests = static_cast<size_t>(std::max(1.0, std::min(tests, most)));
  portion.time = absl::InfiniteDuration();
  return portion;
}

// Who is busy is fed when it reports.
void RunMachine::FeedIdle() {
  const SlotSet& resting = fleet_.resting();
  for (size_t i = resting.Next(0); i != SlotSet::kEnd;
       i = resting.Next(i + 1)) {
    Feed(&fleet_.slots()[i]);
  }
}

void RunMachine::Feed(Slot* slot) {
  const bool late = Mutated(Mutant::kLeaseWhileStopping);
  if ((phase_ != Phase::kRunning && !late) || plan_.collect_only) return;
  if (slot->state != Slot::State::kReady &&
      !(late && slot->state == Slot::State::kFinishing)) {
    return;
  }
  const PlatformId platform = slot->plan->platform;
  const bool idle = slot->queue.empty();
  if (ledger_.pending(platform) == 0 || (slot->careful && !idle)) return;
  if (Mutated(Mutant::kFeedOnce) && !slot->module.empty()) return;
  Portion portion = Measured(*slot, policy_->Next(DemandOf(*slot)));
  if (portion.tests == 0) return;
  if (Mutated(Mutant::kDither)) {
    static size_t leases = 0;
    if (++leases % 2 == 0) portion.tests = 1;
  }
  if (Mutated(Mutant::kNoHorizon)) portion = {ledger_.pending(platform)};
  const auto suspects =
      idle ? Ledger::Suspects::kAlone : Ledger::Suspects::kNone;
  std::vector<uint32_t> positions =
      ledger_.Lease(platform, slot->collection, portion, slot->worker,
                    EndFor(*slot), suspects);
  if (positions.empty()) return;
  slot->careful =
      ledger_.HasSuspects(platform) &&
      std::any_of(positions.begin(), positions.end(), [&](uint32_t position) {
        return ledger_.IsSuspect(platform, TestAt(*slot, position));
      });
  if (idle) slot->waits_since = now_;
  for (const uint32_t position : positions) {
    slot->queue.push_back({position, !slot->careful, false});
    slot->queued_time += ExpectedAt(*slot, position);
  }
  fleet_.QueueChanged(slot);
  // It had nothing to give away: now it has.
  if (!Mutated(Mutant::kNeverAskAgain)) slot->asked_back = false;
  slot->active_at = now_;
  if (slot->careful) return TellNext(slot);
  TellLease(*slot, std::move(positions));
}

void RunMachine::TellLease(const Slot& slot, std::vector<uint32_t> positions) {
  RunTests run;
  run.worker = slot.worker;
  run.positions = std::move(positions);
  run.lease = next_lease_++;
  Tell(slot, std::move(run));
}

// Should its node be lost now, there is no doubt what it was running.
void RunMachine::TellNext(Slot* slot) {
  if (!slot->careful || slot->queue.empty() || slot->queue.front().told) return;
  if (phase_ != Phase::kRunning) return;
  slot->queue.front().told = true;
  TellLease(*slot, {slot->queue.front().position});
}

// Longest first, but not to a worker that would still be at it when all others
// are done: the shortest are for that one.
Ledger::From RunMachine::EndFor(const Slot& slot) {
  const double pace = slot.pace.factor() / pace_.factor();
  if (!plan_.estimates.known() || pace < kSlow) return Ledger::From::kFront;
  const PlatformId platform = slot.plan->platform;
  const double next = ledger_.NextTime(platform, slot.collection) * pace;
  const absl::Duration left =
      ledger_.pending_time(platform) /
      static_cast<double>(std::max<size_t>(fleet_.CountWorkers(platform), 1));
  return absl::Seconds(next) > left ? Ledger::From::kEnd : Ledger::From::kFront;
}

double RunMachine::ExpectedAt(const Slot& slot, uint32_t position) const {
  const std::vector<float>& expected = collections_[slot.collection].expected;
  return position < expected.size() ? expected[position] : 0;
}

}  // namespace dist
