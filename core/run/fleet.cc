#include "core/run/fleet.h"

#include <algorithm>

#include "core/run/mutants.h"

namespace dist {

Fleet::Fleet(const RunPlan& plan)
    : hosts_(plan.hosts.size()),
      starting_on_(plan.hosts.size()),
      sharing_(plan.platforms.size()),
      idle_(plan.platforms.size()),
      resters_(plan.platforms.size()),
      waiting_(plan.workers.size()),
      resting_(plan.workers.size()),
      laden_(plan.workers.size()) {
  uint32_t kins = 0;
  for (const PlannedWorker& worker : plan.workers) {
    kins = std::max(kins, worker.kin + 1);
  }
  kin_collected_.resize(kins);
  kin_starting_.resize(kins);
  for (const PlannedWorker& worker : plan.workers) {
    Slot& slot = slots_.emplace_back();
    slot.plan = &worker;
    slot.pace.start = plan.hosts[worker.host.value()].pace;
    Count(slot, 1);
    QueueChanged(&slot);
  }
}

Slot* Fleet::Find(WorkerId worker) {
  const auto found = by_worker_.find(worker);
  return found == by_worker_.end() ? nullptr : &slots_[found->second];
}

WorkerId Fleet::Incarnate(Slot* slot) {
  slot->worker = WorkerId(next_worker_++);
  SetState(slot, Slot::State::kStarting);
  slot->collection = Slot::kNoCollection;
  slot->deselected = 0;
  slot->said_bad = false;
  slot->awaited_hash.reset();
  slot->queue.clear();
  slot->queued_time = 0;
  slot->asked_back = false;
  slot->careful = false;
  slot->waits_since = absl::InfiniteFuture();
  slot->module = "";
  slot->left_modules.clear();
  QueueChanged(slot);
  slot->reports.clear();
  ++slot->incarnations;
  by_worker_[slot->worker] = static_cast<size_t>(slot - slots_.data());
  return slot->worker;
}

void Fleet::Retire(Slot* slot, Slot::State next) {
  if (!Mutated(Mutant::kHearStaleWorker)) by_worker_.erase(slot->worker);
  slot->worker = WorkerId();
  SetState(slot, next);
  slot->awaited_hash.reset();
  slot->queue.clear();
  slot->queued_time = 0;
  QueueChanged(slot);
  slot->reports.clear();
}

void Fleet::SetMachine(HostId host, const NodeReady& ready) {
  HostState& state = hosts_[host.value()];
  state.cpus = std::max<uint32_t>(ready.cpus, 1);
  state.machine = HostState::kNoMachine;
  if (ready.kernel.empty()) return;
  const auto found = std::find_if(
      machines_.begin(), machines_.end(),
      [&](const Machine& machine) { return machine.kernel == ready.kernel; });
  state.machine = static_cast<size_t>(found - machines_.begin());
  if (found == machines_.end()) machines_.push_back({ready.kernel, 1, 0});
  // Never less than what one of its hosts may use.
  uint32_t& cpus = machines_[state.machine].cpus;
  cpus = std::max({cpus, ready.kernel_cpus, state.cpus});
}

bool Fleet::MayStartOn(HostId host) const {
  const HostState& state = hosts_[host.value()];
  if (state.link != HostState::Link::kUp) return false;
  if (starting_on_[host.value()] >= state.cpus) return false;
  if (state.machine == HostState::kNoMachine) return true;
  const Machine& machine = machines_[state.machine];
  return machine.starting < machine.cpus;
}

void Fleet::SetState(Slot* slot, Slot::State state) {
  Count(*slot, -1);
  slot->state = state;
  Count(*slot, 1);
  QueueChanged(slot);
}

void Fleet::QueueChanged(Slot* slot) {
  const auto at = static_cast<size_t>(slot - slots_.data());
  const bool ready = slot->state == Slot::State::kReady;
  const size_t resting = resting_.count();
  waiting_.Put(at, slot->state == Slot::State::kWaiting);
  resting_.Put(at, ready && slot->queue.empty());
  laden_.Put(at, ready && slot->queue.size() > 1);
  resters_[slot->plan->platform.value()] += resting_.count() - resting;
  const bool idle = slot->queue.empty() && slot->state != Slot::State::kGone &&
                    slot->state != Slot::State::kFinishing;
  if (idle == slot->counted_idle) return;
  slot->counted_idle = idle;
  idle_[slot->plan->platform.value()] += idle ? 1 : static_cast<size_t>(-1);
}

void Fleet::Count(const Slot& slot, int by) {
  const auto add = static_cast<size_t>(by);
  if (slot.alive()) alive_ += add;
  if (slot.state == Slot::State::kStarting) {
    const HostId host = slot.plan->host;
    starting_on_[host.value()] += add;
    const size_t machine = hosts_[host.value()].machine;
    if (machine != HostState::kNoMachine) machines_[machine].starting += add;
    kin_starting_[slot.plan->kin] += add;
  }
  if (slot.state != Slot::State::kGone &&
      slot.state != Slot::State::kFinishing) {
    sharing_[slot.plan->platform.value()] += add;
  }
}

}  // namespace dist
