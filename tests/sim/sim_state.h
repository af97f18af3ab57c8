// The inside of sim_world.h: the world's state. sim_world.cc is the part
// between the machine and the nodes, sim_node.cc the nodes.
#ifndef DIST_TESTS_SIM_SIM_STATE_H_
#define DIST_TESTS_SIM_SIM_STATE_H_

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/run/run_machine.h"
#include "tests/sim/sim_checker.h"
#include "tests/sim/sim_world.h"

namespace dist {
namespace sim {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}
  uint64_t Below(uint64_t n) {  // splitmix64.
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % n;
  }
  bool Percent(uint64_t p) { return Below(100) < p; }

 private:
  uint64_t state_;
};

// What a test does when it runs.
enum class Fate {
  kPass,
  kFail,
  kFlaky,
  kLate,
  kCrash,
  kTimeout,
  kExit,
  kHang,
  kKillHost
};

struct SimWorker {
  uint32_t slot = 0;
  std::vector<uint32_t> tests;  // By position.
  bool collected = false;
  bool finish = false;
  bool interrupted = false;
  bool running = false;  // The front of the queue.
  bool said_bad = false;
  bool asks = false;                                // After a failed test, and
  bool waits = false;                               // does now.
  bool undead = false;                              // Survives SIGKILL.
  std::deque<std::pair<uint32_t, uint32_t>> queue;  // Position, lease.
  std::vector<TestStep> steps;                      // Not sent yet.
};

struct SimHost {
  bool up = false;
  uint64_t link = 0;  // Which connection: words of earlier ones get lost.
  int64_t last_word = 0;
  int64_t last_order = 0;
  std::map<uint32_t, SimWorker> workers;
  std::map<std::string, std::vector<uint32_t>> lists;
};

inline constexpr int64_t kMs = 1000;
inline constexpr int64_t kFaultsEnd = 20000 * kMs;

// What the seed decides before anything happens.
struct Scenario {
  Random random{1};
  RunPlan plan;
  std::vector<std::string> ids;  // Of the tests; all below by test.
  std::vector<std::string> groups;
  std::vector<Fate> fates;
  std::vector<int64_t> times;
  std::vector<bool> slow;       // By host: ten times slower.
  std::vector<int64_t> delays;  // Likewise, of its link: each way, at least.
  int64_t jitter = 20 * kMs;    // Words take up to so much longer.
  bool dawdles = true;          // Workers keep what they report for a while.
  bool differ = false;          // Workers collect different tests.
  bool refuses = false;         // All workers do.
  bool dreadful = false;        // Hosts get lost, and nothing else is wrong.
  uint64_t trouble = 0;         // Percent.
  uint64_t link_trouble = 0;    // Likewise, of connections.
};

Scenario MakeScenario(const SimCase& which);

// Runs that one.
SimResult Simulate(Scenario scenario);

class SimWorld {
 public:
  SimWorld(const SimCut& cut, bool digest, Scenario scenario)
      : cut_(cut),
        digest_(digest),
        random_(scenario.random),
        scenario_(std::move(scenario)),
        plan_(scenario_.plan),
        machine_(plan_),
        checker_(plan_, machine_, RoundTrip(scenario_)),
        hosts_(plan_.hosts.size()) {}

  SimResult Run();

 private:
  // The longest that an answer takes.
  static int64_t RoundTrip(const Scenario& scenario) {
    return 2 *
           (*std::max_element(scenario.delays.begin(), scenario.delays.end()) +
            scenario.jitter);
  }
  // How long a word to or from that host takes.
  int64_t Delay(uint32_t host) {
    const auto jitter = static_cast<uint64_t>(scenario_.jitter / kMs);
    const uint64_t more = jitter == 0 ? 0 : random_.Below(jitter);
    return scenario_.delays[host] + static_cast<int64_t>(more) * kMs;
  }

  // When what happens: the first in front, by a heap of places in `what_`.
  struct Planned {
    int64_t at;
    uint64_t order;
    size_t place;

    friend bool operator<(const Planned& a, const Planned& b) {
      return std::tie(a.at, a.order) > std::tie(b.at, b.order);
    }
  };
  void After(int64_t delay, std::function<void()> what) {
    if (free_.empty()) {
      free_.push_back(what_.size());
      what_.emplace_back();
    }
    what_[free_.back()] = std::move(what);
    agenda_.push_back({now_ + delay, ++order_, free_.back()});
    free_.pop_back();
    std::push_heap(agenda_.begin(), agenda_.end());
  }
  // Lets the next thing happen.
  void Advance() {
    std::pop_heap(agenda_.begin(), agenda_.end());
    const Planned next = agenda_.back();
    agenda_.pop_back();
    now_ = next.at;
    const std::function<void()> what = std::move(what_[next.place]);
    free_.push_back(next.place);
    what();
  }
  absl::Time Now() const {
    return absl::UnixEpoch() + absl::Microseconds(now_);
  }
  Fate FateOf(uint32_t test) const { return scenario_.fates[test]; }
  bool Trouble() { return Trouble(scenario_.trouble); }
  bool Trouble(uint64_t percent) {
    if (now_ >= kFaultsEnd || !random_.Percent(percent)) return false;
    return faults_++ < cut_.faults;
  }
  SimWorker* Find(uint32_t host, uint64_t link, uint32_t worker);
  // Calls `what` later, if that worker still lives.
  void Later(uint32_t host, uint32_t worker, int64_t delay,
             std::function<void(SimWorker&)> what);

  void Obey(const Commands& commands, bool stale = false);
  void Digest(const RunCommand& command);
  void Connect(uint32_t host);
  void LoseHost(uint32_t host);
  void Order(uint32_t host, const NodeCommand& command);
  void Send(uint32_t host, NodeEvent event);
  void Repeat(uint32_t host);
  void Interrupt();
  CollectionListed ListOf(uint32_t host, const std::string& hash) const;

  // The node's side.
  void Begin(uint32_t host, const StartWorker& start);
  void Collect(uint32_t host, uint32_t id, SimWorker& worker);
  void GiveBack(uint32_t host, const ReturnTests& back);
  void Step(uint32_t host, uint32_t id);
  void RunFront(uint32_t host, uint32_t id, SimWorker& worker);
  void EndFront(uint32_t host, uint32_t id, SimWorker& worker);
  void Pass(uint32_t host, uint32_t id, SimWorker& worker, Verdict verdict);
  void Flush(uint32_t host, uint32_t id, SimWorker& worker);
  void Die(uint32_t host, uint32_t id, DeathCause cause);
  void Exit(uint32_t host, uint32_t id, int status, bool stopped);

  const SimCut cut_;
  const bool digest_;
  Random random_;
  const Scenario scenario_;
  const RunPlan& plan_;
  RunMachine machine_;
  SimChecker checker_;
  std::vector<SimHost> hosts_;
  uint32_t faults_ = 0;  // That have happened.
  std::vector<Planned> agenda_;
  std::vector<std::function<void()>> what_;
  std::vector<size_t> free_;                          // Places in it.
  std::vector<std::pair<uint32_t, NodeEvent>> said_;  // A sample, to repeat.
  std::map<uint32_t, int> tries_;
  int64_t now_ = 0;
  uint64_t order_ = 0;
  bool hung_ = false;
  SimResult result_;
};

}  // namespace sim
}  // namespace dist

#endif  // DIST_TESTS_SIM_SIM_STATE_H_
