// The hosts and worker slots of a run: who is up, who is what incarnation.
#ifndef DIST_CORE_RUN_FLEET_H_
#define DIST_CORE_RUN_FLEET_H_

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/model/ids.h"
#include "core/model/node_messages.h"
#include "core/model/report.h"
#include "core/run/run_plan.h"
#include "core/run/slot_set.h"

namespace dist {

struct HostState {
  enum class Link { kConnecting, kUp, kClosing, kGone };
  static constexpr size_t kNoMachine = SIZE_MAX;
  Link link = Link::kConnecting;
  uint32_t cpus = 1;
  size_t machine = kNoMachine;  // Its number: hosts may share one.
  bool was_up = false;
  int reconnects = 0;  // Since a test last ended there.
  // The shortest that a question was answered in. Zero: none was yet.
  absl::Duration round_trip;

  void Answered(absl::Duration after) {
    const bool first = round_trip == absl::ZeroDuration();
    round_trip = first ? after : std::min(round_trip, after);
  }
};

// How many times as long as expected tests take.
struct Pace {
  double start = 1;     // Until more is known.
  double took = 0;      // Seconds.
  double expected = 0;  // Likewise, of the same tests.

  double factor() const {
    constexpr double kPrior = 0.2;  // Seconds that `start` is worth.
    return (took + kPrior * start) / (expected + kPrior);
  }
  void Add(double seconds, double expected_seconds) {
    took += seconds;
    expected += expected_seconds;
  }
};

// A lease that is out: which test, and how far it is.
struct LeasedTest {
  uint32_t position = 0;
  bool told = false;  // The worker knows of it.
  bool started = false;
};

struct Slot {
  enum class State {
    kWaiting,    // For its host, or for its turn to start.
    kStarting,   // Started; has not collected.
    kReady,      // Has collected, takes leases.
    kFinishing,  // Gets no more tests.
    kGone,
  };
  const PlannedWorker* plan = nullptr;
  State state = State::kWaiting;
  WorkerId worker;                          // The current incarnation.
  size_t collection = kNoCollection;        // Number of its collection.
  std::optional<std::string> awaited_hash;  // The collection it waits for.
  uint32_t deselected = 0;                  // By its framework.
  bool collected = false;                   // Some incarnation has.
  bool said_bad = false;  // This incarnation reported something bad.
  // In the order leased; the running one is in front, mostly.
  std::deque<LeasedTest> queue;
  double queued_time = 0;   // Expected seconds of the queue.
  bool asked_back = false;  // ReturnTests is on its way.
  // The queue holds suspects (Unit::suspect): it is told of one after another,
  // and gets nothing else.
  bool careful = false;
  absl::Time active_at;  // It last reported or was given tests.
  absl::Time waits_since = absl::InfiniteFuture();  // For its host's answer.
  Pace pace;  // The slot's, whatever the incarnation.
  // The module of the test that began last, and those that this incarnation is
  // through with: their fixtures are torn down. Point into the test table.
  absl::string_view module;
  absl::flat_hash_set<absl::string_view> left_modules;
  std::vector<PhaseReport> reports;  // Of the running test.
  int early_deaths = 0;              // In a row, before it had collected.
  bool announced = false;            // Some incarnation has been.
  bool revivable = true;             // A host that comes back brings it back.
  uint32_t incarnations = 0;
  bool counted_idle = false;  // Fleet's business.

  static constexpr size_t kNoCollection = SIZE_MAX;

  void EnterModule(absl::string_view entered) {
    if (entered == module) return;
    if (!module.empty()) left_modules.insert(module);
    left_modules.erase(entered);
    module = entered;
  }

  const std::string& name() const { return plan->setup.name; }
  bool alive() const {
    return state == State::kStarting || state == State::kReady ||
           state == State::kFinishing;
  }
};

class Fleet {
 public:
  explicit Fleet(const RunPlan& plan);

  std::vector<Slot>& slots() { return slots_; }
  std::vector<HostState>& hosts() { return hosts_; }
  HostState& host(HostId id) { return hosts_[id.value()]; }
  const HostState& host(HostId id) const { return hosts_[id.value()]; }
  const std::vector<Slot>& slots() const { return slots_; }

  // The slot that `worker` is the current incarnation of, or null.
  Slot* Find(WorkerId worker);
  // Gives the slot a fresh incarnation, in state kStarting.
  WorkerId Incarnate(Slot* slot);
  // The incarnation is over.
  void Retire(Slot* slot, Slot::State next);
  // The only way to change a slot's state: the counts below follow.
  void SetState(Slot* slot, Slot::State state);

  // To be called after the slot's queue has changed: counts and sets follow.
  void QueueChanged(Slot* slot);

  // Places of slots: what a thousand workers wait for must not cost a look at
  // each of them for every test.
  const SlotSet& waiting() const { return waiting_; }  // kWaiting.
  const SlotSet& resting() const { return resting_; }  // kReady, no lease.
  const SlotSet& laden() const { return laden_; }      // kReady, two leases.

  // What the node of a host that is new or came back says of its CPUs.
  void SetMachine(HostId host, const NodeReady& ready);
  // Starting processes compete for CPUs, so only as many start at a time as
  // the host has, and the machine, whose other CPUs are another host's.
  bool MayStartOn(HostId host) const;
  // Some slot of that kin has collected, now or earlier.
  bool KinCollected(uint32_t kin) const {
    return kin < kin_collected_.size() && kin_collected_[kin];
  }
  void SetKinCollected(uint32_t kin) { kin_collected_[kin] = true; }
  bool KinStarting(uint32_t kin) const { return kin_starting_[kin] > 0; }
  // Some incarnation of the slot has collected.
  void SetCollected(Slot* slot) {
    collected_ += slot->collected ? 0 : 1;
    slot->collected = true;
  }
  size_t CountCollected() const { return collected_; }
  size_t CountAlive() const { return alive_; }
  // Of one platform, those that hold or may get leases.
  size_t CountWorkers(PlatformId platform) const {
    return sharing_[platform.value()];
  }
  // Those of them that hold no lease.
  size_t CountIdle(PlatformId platform) const {
    return idle_[platform.value()];
  }
  // Those of them that have collected and so wait for a lease only.
  size_t CountResting(PlatformId platform) const {
    return resters_[platform.value()];
  }

 private:
  // Adds `by` to the counts that the slot, in its state, is part of.
  void Count(const Slot& slot, int by);

  std::vector<HostState> hosts_;
  std::vector<Slot> slots_;
  std::vector<bool> kin_collected_;
  std::vector<size_t> kin_starting_;
  std::vector<size_t> starting_on_;  // By HostId.
  struct Machine {
    std::string kernel;
    uint32_t cpus = 1;
    size_t starting = 0;
  };
  std::vector<Machine> machines_;
  std::vector<size_t> sharing_;  // By PlatformId.
  std::vector<size_t> idle_;     // By PlatformId.
  std::vector<size_t> resters_;  // By PlatformId.
  SlotSet waiting_;
  SlotSet resting_;
  SlotSet laden_;
  size_t collected_ = 0;
  size_t alive_ = 0;
  absl::flat_hash_map<WorkerId, size_t> by_worker_;
  uint32_t next_worker_ = 0;
};

}  // namespace dist

#endif  // DIST_CORE_RUN_FLEET_H_
