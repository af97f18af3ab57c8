// A terrible world around the real run machine: hosts that come late or never
// and are lost, workers that refuse, crash, hang and leave, tests that take
// them down, stale words, Ctrl-C. Virtual time; a seed decides everything.
#ifndef DIST_TESTS_SUPPORT_SIM_WORLD_H_
#define DIST_TESTS_SUPPORT_SIM_WORLD_H_

#include <cstdint>
#include <string>

namespace dist {

struct SimResult {
  std::string violation;  // Of an invariant; empty if all hold.
  uint64_t digest = 0;    // Of all commands in order.
  int status = -1;        // The run's exit status.
  size_t events = 0;
  // How often something interesting happened, see SimWorld.
  size_t hosts_lost = 0;
  size_t crashes = 0;
  size_t stale_words = 0;
  size_t interrupts = 0;
  size_t judged = 0;
};

// Runs the world of `seed` under the policy `mode` to its end.
SimResult Simulate(const std::string& mode, uint64_t seed);

}  // namespace dist

#endif  // DIST_TESTS_SUPPORT_SIM_WORLD_H_
