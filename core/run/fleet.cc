#include "core/run/fleet.h"

#include <algorithm>

namespace dist {

Fleet::Fleet(const RunPlan& plan) : hosts_(plan.hosts.size()) {
  uint32_t kins = 0;
  for (const PlannedWorker& worker : plan.workers) {
    Slot& slot = slots_.emplace_back();
    slot.plan = &worker;
    kins = std::max(kins, worker.kin + 1);
  }
  kin_collected_.resize(kins);
}

Slot* Fleet::Find(WorkerId worker) {
  const auto found = by_worker_.find(worker);
  return found == by_worker_.end() ? nullptr : &slots_[found->second];
}

WorkerId Fleet::Incarnate(Slot* slot) {
  slot->worker = WorkerId(next_worker_++);
  slot->state = Slot::State::kStarting;
  slot->collection = Slot::kNoCollection;
  slot->awaited_hash.clear();
  slot->queue.clear();
  slot->reports.clear();
  ++slot->incarnations;
  by_worker_[slot->worker] = static_cast<size_t>(slot - slots_.data());
  return slot->worker;
}

void Fleet::Retire(Slot* slot, Slot::State next) {
  by_worker_.erase(slot->worker);
  slot->worker = WorkerId();
  slot->state = next;
  slot->queue.clear();
  slot->reports.clear();
}

bool Fleet::MayStartOn(HostId host) const {
  if (hosts_[host.value()].link != HostState::Link::kUp) return false;
  const auto starting =
      std::count_if(slots_.begin(), slots_.end(), [&](const Slot& slot) {
        return slot.plan->host == host && slot.state == Slot::State::kStarting;
      });
  return static_cast<uint32_t>(starting) < hosts_[host.value()].cpus;
}

bool Fleet::KinStarting(uint32_t kin) const {
  return std::any_of(slots_.begin(), slots_.end(), [&](const Slot& slot) {
    return slot.plan->kin == kin && slot.state == Slot::State::kStarting;
  });
}

size_t Fleet::CountAlive() const {
  return static_cast<size_t>(
      std::count_if(slots_.begin(), slots_.end(),
                    [](const Slot& slot) { return slot.alive(); }));
}

size_t Fleet::CountWorkers(PlatformId platform) const {
  return static_cast<size_t>(
      std::count_if(slots_.begin(), slots_.end(), [&](const Slot& slot) {
        return slot.plan->platform == platform &&
               slot.state != Slot::State::kGone &&
               slot.state != Slot::State::kFinishing;
      }));
}

}  // namespace dist
