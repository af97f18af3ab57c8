// Every deliberate bug of core/run/mutants.h is found within 1,000 seeds.
#include "core/run/mutants.h"

#include <cstdio>
#include <string>

#include "core/schedule/policy.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/sim/sim_world.h"

namespace dist {
namespace {

constexpr uint64_t kSeeds = 1000;

// The seed that finds it, the modes in turn; 0: none does.
uint64_t FindingSeed(Mutant mutant, std::string* violation) {
  active_mutant = mutant;
  uint64_t found = 0;
  for (uint64_t seed = 1; seed <= kSeeds && found == 0; ++seed) {
    for (const PolicyEntry& entry : Policies()) {
      const SimResult result =
          Simulate({std::string(entry.name), seed, SimCut()});
      if (result.violation.empty()) continue;
      found = seed;
      *violation = std::string(entry.name) + ": " + result.violation;
      break;
    }
  }
  active_mutant = Mutant::kNone;
  return found;
}

TEST(Mutants, AreAllFound) {
  for (int m = 1; m < static_cast<int>(Mutant::kEnd); ++m) {
    std::string violation;
    const uint64_t seed = FindingSeed(static_cast<Mutant>(m), &violation);
    std::printf("mutant %2d: seed %4lu, %s\n", m,
                static_cast<unsigned long>(seed), violation.c_str());
    EXPECT_GT(seed, 0u) << "mutant " << m << " of mutants.h survives";
  }
}

TEST(Mutants, AreTheOnlyBugs) {
  std::string violation;
  EXPECT_EQ(FindingSeed(Mutant::kNone, &violation), 0u) << violation;
}

TEST(Mutants, ShrinkToASmallCaseThatStillFails) {
  active_mutant = Mutant::kLeaseTwice;
  SimCase which{"load", 1, SimCut()};
  while (Simulate(which).violation.empty()) ++which.seed;
  const SimCase small = Shrink(which);
  const std::string violation = Simulate(small).violation;
  EXPECT_NE(violation, "");
  EXPECT_LE(small.cut.tests, 3u);
  EXPECT_EQ(small.cut.hosts, 1u);
  EXPECT_EQ(small.cut.faults, 0u);
  EXPECT_THAT(ToRow(small, violation), ::testing::HasSubstr("{\"load\", "));
  active_mutant = Mutant::kNone;
}

}  // namespace
}  // namespace dist
