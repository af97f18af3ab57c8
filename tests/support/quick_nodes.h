// Nodes without time around a run machine, to measure what the machine costs.
#ifndef DIST_TESTS_SUPPORT_QUICK_NODES_H_
#define DIST_TESTS_SUPPORT_QUICK_NODES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/run/run_machine.h"

namespace dist {

struct QuickOptions {
  size_t tests = 1000;
  size_t per_file = 100;
  size_t steps = 20;      // Tests a message, at most.
  bool uneven = false;    // Some workers do less than others in a turn.
  bool fail = false;      // Every test.
  uint32_t micros = 200;  // What a test is said to take.
};

// All workers collect the same tests. In each turn every one of them reports
// some of its queue as done, then gives back what it was asked for.
class QuickNodes {
 public:
  QuickNodes(const QuickOptions& options, RunPlan plan);

  // Until nobody has anything to do.
  void Run();

  // CPU seconds in the machine: until all have collected, and in all.
  double collect_seconds = 0;
  double seconds = 0;
  // Bytes allocated since the first worker collected: when the last one had,
  // and at most, or nearly. Queues of the nodes included: 4 bytes a test.
  size_t collected_bytes = 0;
  size_t most_bytes = 0;
  size_t judged = 0;

 private:
  struct Worker {
    HostId host;
    std::vector<uint32_t> queue;  // What was leased to it, and
    size_t done = 0;              // how much of that it has done.
    std::vector<uint32_t> asked;  // To be given back.
    bool answers = false;
  };

  bool Turn();
  bool Work(uint32_t w);
  bool Answer(uint32_t w);
  void Report(uint32_t position, TestsReported* reported) const;
  void Hear(HostId host, const NodeEvent& event);
  void Obey(const Commands& commands);
  void Do(HostId host, const NodeCommand& command);

  const QuickOptions options_;
  const double clock_seconds_;  // That measuring one event adds.
  const size_t hosts_;
  RunMachine machine_;
  std::vector<Worker> workers_;  // By WorkerId: nobody dies.
};

}  // namespace dist

#endif  // DIST_TESTS_SUPPORT_QUICK_NODES_H_
