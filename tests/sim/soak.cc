// Simulates for as long as one wants, from seeds that nobody has tried unless
// told which. bazel run //tests/sim:soak -- --seconds=60 --seed=1 --mode=load
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/schedule/policy.h"
#include "tests/sim/sim_world.h"

namespace dist {
namespace {

struct Flags {
  uint64_t seed = 0;  // The first one; 0: by the clock.
  double seconds = 60;
  std::string mode;  // All in turn if empty.
};

bool Parse(int argc, char** argv, Flags* flags) {
  for (int i = 1; i < argc; ++i) {
    absl::string_view value = argv[i];
    if (absl::ConsumePrefix(&value, "--seed=")) {
      if (!absl::SimpleAtoi(value, &flags->seed)) return false;
    } else if (absl::ConsumePrefix(&value, "--seconds=")) {
      if (!absl::SimpleAtod(value, &flags->seconds)) return false;
    } else if (absl::ConsumePrefix(&value, "--mode=")) {
      flags->mode = std::string(value);
      if (FindPolicy(value) == nullptr) return false;
    } else {
      return false;
    }
  }
  return true;
}

int Soak(const Flags& flags) {
  std::vector<std::string> modes;
  for (const PolicyEntry& entry : Policies()) {
    modes.push_back(std::string(entry.name));
  }
  if (!flags.mode.empty()) modes = {flags.mode};
  const absl::Time start = absl::Now();
  const uint64_t first = flags.seed != 0
                             ? flags.seed
                             : static_cast<uint64_t>(absl::ToUnixMicros(start));
  std::printf("from seed %lu\n", static_cast<unsigned long>(first));
  const absl::Duration budget = absl::Seconds(flags.seconds);
  size_t schedules = 0;
  size_t failed = 0;
  for (uint64_t seed = first; absl::Now() - start < budget; ++seed) {
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
  const double seconds = static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
  std::printf("%zu schedules, %zu failed, %.0f a second of CPU\n", schedules,
              failed, static_cast<double>(schedules) / seconds);
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace dist

int main(int argc, char** argv) {
  dist::Flags flags;
  if (dist::Parse(argc, argv, &flags)) return dist::Soak(flags);
  std::fprintf(stderr, "soak [--seed=N] [--seconds=N] [--mode=MODE]\n");
  return 4;
}
