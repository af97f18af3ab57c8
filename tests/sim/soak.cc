// Simulates for as long as one wants. bazel run //tests/sim:soak -- --help
#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/schedule/policy.h"
#include "tests/sim/sim_world.h"

ABSL_FLAG(uint64_t, seed, 1, "the first seed");
ABSL_FLAG(double, seconds, 60, "how long");
ABSL_FLAG(std::string, mode, "", "of --dist; all in turn if empty");

namespace dist {
namespace {

int Soak() {
  std::vector<std::string> modes;
  for (const PolicyEntry& entry : Policies()) {
    modes.push_back(std::string(entry.name));
  }
  if (!absl::GetFlag(FLAGS_mode).empty()) modes = {absl::GetFlag(FLAGS_mode)};
  const absl::Time start = absl::Now();
  const absl::Duration budget = absl::Seconds(absl::GetFlag(FLAGS_seconds));
  size_t schedules = 0;
  size_t failed = 0;
  for (uint64_t seed = absl::GetFlag(FLAGS_seed); absl::Now() - start < budget;
       ++seed) {
    for (const std::string& mode : modes) {
      ++schedules;
      const SimCase which{mode, seed, {}};
      if (Simulate(which).violation.empty()) continue;
      ++failed;
      const SimCase small = Shrink(which);
      std::printf("%s seed %lu fails. For kRegressions in sim_test.cc:\n%s",
                  mode.c_str(), static_cast<unsigned long>(seed),
                  ToRow(small, Simulate(small).violation).c_str());
    }
  }
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  std::printf("%zu schedules, %zu failed, %.0f a second\n", schedules, failed,
              static_cast<double>(schedules) / seconds);
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace dist

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  return dist::Soak();
}
