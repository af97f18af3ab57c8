// What a test costs the coordinator's core with 1,000 workers, in CPU time and
// memory. bazel run //bench:scale [-- most tests]
#include <cstdio>
#include <cstdlib>

#include "tests/support/quick_nodes.h"
#include "tests/support/run_driver.h"

namespace dist {
namespace {

constexpr uint32_t kHosts = 10;
constexpr uint32_t kWorkers = 100;  // A host.

int Main(size_t most) {
  std::printf("%-10s %9s %9s %11s\n", "mode", "tests", "us/test", "bytes/test");
  bool all = true;
  for (const char* mode : {"load", "loadfile", "worksteal"}) {
    for (size_t tests = 1000; tests <= most; tests *= 10) {
      QuickOptions options;
      options.tests = tests;
      options.per_file = 20;
      options.steps = 4;
      options.uneven = true;  // So that there is something to steal.
      options.micros = 50000;
      QuickNodes nodes(options, MakePlan(mode, kHosts, kWorkers));
      nodes.Run();
      const auto n = static_cast<double>(tests);
      std::printf("%-10s %9zu %9.2f %11.0f\n", mode, tests,
                  nodes.seconds * 1e6 / n,
                  static_cast<double>(nodes.most_bytes) / n);
      all = all && nodes.judged == tests;
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
