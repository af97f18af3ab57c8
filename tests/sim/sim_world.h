// A terrible world around the real run machine: hosts that come late or never
// and are lost, workers that refuse, crash, hang and leave, tests that take
// them down, stale words, Ctrl-C. Virtual time; a seed decides everything.
#ifndef DIST_TESTS_SIM_SIM_WORLD_H_
#define DIST_TESTS_SIM_SIM_WORLD_H_

#include <cstdint>
#include <string>

namespace dist {

// What of a seed's world to leave out: how a failing seed is made small.
struct SimCut {
  uint32_t tests = 1000;
  uint32_t hosts = 1000;
  uint32_t slots = 1000;   // A host.
  uint32_t faults = 1000;  // Only the first ones happen.
  bool fates = true;       // Tests may do other things than pass.
  bool words = true;       // Words of the dead come again.
  bool stops = true;       // Somebody may press Ctrl-C.
};

struct SimCase {
  std::string mode;
  uint64_t seed = 1;
  SimCut cut;
};

// How often something interesting happened. All must happen in 10,000 seeds.
struct SimCounts {
  size_t hosts_lost = 0;
  size_t all_hosts_lost = 0;
  size_t reconnects = 0;
  size_t crashes = 0;
  size_t stale_words = 0;
  size_t results_after_loss = 0;  // Results of workers that were lost.
  size_t steals = 0;
  size_t steal_races = 0;  // What was asked for had begun.
  size_t poison_on_last_host = 0;
  size_t interrupts = 0;
  size_t interrupts_collecting = 0;
  size_t interrupts_running = 0;
  size_t interrupts_stopping = 0;
  size_t interrupts_ending = 0;
  size_t judged = 0;

  // Calls `f(name, count)` for each.
  template <class F>
  void ForEach(F&& f) {
    f("hosts lost", hosts_lost);
    f("all hosts lost", all_hosts_lost);
    f("reconnects", reconnects);
    f("crashes", crashes);
    f("stale words", stale_words);
    f("results after a loss", results_after_loss);
    f("steals", steals);
    f("steals too late", steal_races);
    f("poison on the last host", poison_on_last_host);
    f("interrupts", interrupts);
    f("interrupts while collecting", interrupts_collecting);
    f("interrupts while running", interrupts_running);
    f("interrupts while stopping", interrupts_stopping);
    f("interrupts at the end", interrupts_ending);
    f("tests judged", judged);
  }
};

struct SimResult {
  std::string violation;  // Of an invariant; empty if all hold.
  uint64_t digest = 0;    // Of all commands in order, if asked for.
  int status = -1;        // The run's exit status.
  size_t events = 0;
  int64_t first_begin = -1;  // Of a test, in microseconds.
  int64_t last_end = 0;
  SimCounts counts;
};

// Runs the world of `which` to its end.
SimResult Simulate(const SimCase& which, bool digest = false);

// A smaller case that still violates an invariant. REQUIRES: `which` does.
SimCase Shrink(SimCase which);

// As a row for kRegressions in sim_test.cc.
std::string ToRow(const SimCase& which, const std::string& violation);

}  // namespace dist

#endif  // DIST_TESTS_SIM_SIM_WORLD_H_
