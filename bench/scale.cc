// What a test costs the coordinator's core with 1,000 workers, in CPU time and
// memory. bazel run //bench:scale [-- most tests]
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "tests/support/quick_nodes.h"
#include "tests/support/run_driver.h"

namespace dist {
namespace {

constexpr uint32_t kHosts = 10;
constexpr uint32_t kWorkers = 100;   // A host.
constexpr size_t kRepeated = 30000;  // Tests: a suite that is smaller runs more
                                     // than once, the best counts.

QuickOptions Options(size_t tests) {
  QuickOptions options;
  options.tests = tests;
  options.per_file = 20;
  options.steps = 4;
  options.uneven = true;  // So that there is something to steal.
  options.micros = 50000;
  return options;
}

int Main(size_t most) {
  std::printf("%-10s %9s %9s %11s\n", "mode", "tests", "us/test", "bytes/test");
  bool all = true;
  for (const char* mode : {"load", "loadfile", "worksteal"}) {
    for (size_t tests = 1000; tests <= most; tests *= 10) {
      double seconds = 1e9;
      size_t bytes = 0;
      // Little takes little time, and varies more.
      for (size_t i = 0; i < std::max<size_t>(1, kRepeated / tests); ++i) {
        QuickNodes nodes(Options(tests), MakePlan(mode, kHosts, kWorkers));
        nodes.Run();
        seconds = std::min(seconds, nodes.seconds);
        bytes = nodes.most_bytes;
        all = all && nodes.judged == tests;
      }
      const auto n = static_cast<double>(tests);
      std::printf("%-10s %9zu %9.2f %11.0f\n", mode, tests, seconds * 1e6 / n,
                  static_cast<double>(bytes) / n);
    }
  }
  if (!all) std::printf("not every test has a verdict\n");
  return all ? 0 : 1;
}

}  // namespace
}  // namespace dist

int main(int argc, char** argv) {
  const size_t most = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1000000;
  return dist::Main(most);
}
