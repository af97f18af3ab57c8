// Every deliberate bug of core/run/mutants.h is found within 1,000 seeds in
// each mode that has what it breaks, and every rule of sim_checker.h finds
// some.
#include "core/run/mutants.h"

#include <cstdio>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/schedule/policy.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/sim/sim_world.h"

namespace dist {
namespace {

constexpr uint64_t kSeeds = 1000;
constexpr uint64_t kEnough = 300;  // Of one that is found, for other rules.

// Whether the mode has what the bug is in.
bool Applies(Mutant mutant, const PolicyEntry& mode) {
  switch (mutant) {
    case Mutant::kShareBundle:
    case Mutant::kReverseBundle:
    case Mutant::kKeepBundle:
    case Mutant::kOverlook:
      return mode.together != Together::kNothing;
    case Mutant::kForgetReturnedTests:
    case Mutant::kTakeBeforeAnswer:
    case Mutant::kNeverSteal:
    case Mutant::kNeverAskAgain:
      return mode.spread == Spread::kShared;
    default:
      return true;
  }
}

bool Applies(absl::string_view rule, const PolicyEntry& mode) {
  return rule != "I11" || mode.together != Together::kNothing;
}

std::string Violation(Mutant mutant, const SimCase& which) {
  const bool repeated = mutant == Mutant::kDither;
  const SimResult result = Simulate(which, repeated);
  if (!repeated || result.digest == Simulate(which, true).digest) {
    return result.violation;
  }
  return "I16: the same seed gives other commands";
}

class Mutants : public ::testing::TestWithParam<PolicyEntry> {
 protected:
  ~Mutants() override { active_mutant = Mutant::kNone; }

  // The first seed that finds it, 0 if none does, and the rules that do.
  static uint64_t FindingSeed(Mutant mutant, std::set<std::string>* rules,
                              std::string* first) {
    active_mutant = mutant;
    uint64_t found = 0;
    for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
      if (found > 0 && seed > kEnough) break;
      const std::string violation =
          Violation(mutant, {std::string(GetParam().name), seed, SimCut()});
      if (violation.empty()) continue;
      rules->insert(violation.substr(0, violation.find(':')));
      if (std::exchange(found, found == 0 ? seed : found) == 0) {
        *first = violation;
      }
    }
    return found;
  }
};

TEST_P(Mutants, AreAllFound) {
  std::set<std::string> rules;
  for (int m = 1; m < static_cast<int>(Mutant::kEnd); ++m) {
    const auto mutant = static_cast<Mutant>(m);
    if (!Applies(mutant, GetParam())) continue;
    std::string violation;
    const uint64_t seed = FindingSeed(mutant, &rules, &violation);
    std::printf("mutant %2d: seed %4lu, %s\n", m,
                static_cast<unsigned long>(seed), violation.c_str());
    EXPECT_GT(seed, 0u) << "mutant " << m << " of mutants.h survives";
  }
  for (int i = 1; i <= 16; ++i) {
    const std::string rule = absl::StrCat("I", i);
    if (!Applies(rule, GetParam())) continue;
    EXPECT_EQ(rules.count(rule), 1u) << rule << " finds none";
  }
}

TEST_P(Mutants, AreTheOnlyBugs) {
  std::set<std::string> rules;
  std::string violation;
  EXPECT_EQ(FindingSeed(Mutant::kNone, &rules, &violation), 0u) << violation;
}

INSTANTIATE_TEST_SUITE_P(All, Mutants, ::testing::ValuesIn(Policies()),
                         [](const auto& info) {
                           return std::string(info.param.name);
                         });

TEST(Shrinking, MakesASmallCaseThatStillFails) {
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
