// Makes a failing world small.
#include <initializer_list>

#include "absl/strings/str_format.h"
#include "tests/sim/sim_world.h"

namespace dist {
namespace {

bool Fails(const SimCase& which) { return !Simulate(which).violation.empty(); }

// The smallest value of `field` with which the case still fails, from below:
// what is smaller is not always easier to break.
void ShrinkNumber(uint32_t SimCut::*field, uint32_t least, uint32_t most,
                  SimCase* which) {
  SimCase smaller = *which;
  for (uint32_t n = least; n < most && n < which->cut.*field; ++n) {
    smaller.cut.*field = n;
    if (!Fails(smaller)) continue;
    *which = smaller;
    return;
  }
}

}  // namespace

SimCase Shrink(SimCase which) {
  for (int round = 0; round < 2; ++round) {
    for (bool SimCut::*field :
         {&SimCut::fates, &SimCut::words, &SimCut::stops}) {
      SimCase smaller = which;
      smaller.cut.*field = false;
      if (Fails(smaller)) which = smaller;
    }
    ShrinkNumber(&SimCut::faults, 0, 64, &which);
    ShrinkNumber(&SimCut::hosts, 1, 4, &which);
    ShrinkNumber(&SimCut::slots, 1, 4, &which);
    ShrinkNumber(&SimCut::tests, 0, 25, &which);
  }
  return which;
}

std::string ToRow(const SimCase& which, const std::string& violation) {
  const SimCut& cut = which.cut;
  return absl::StrFormat(
      "    // %s\n    {\"%s\", %d, {%d, %d, %d, %d, %s, %s, %s}},\n", violation,
      which.mode, which.seed, cut.tests, cut.hosts, cut.slots, cut.faults,
      cut.fates ? "true" : "false", cut.words ? "true" : "false",
      cut.stops ? "true" : "false");
}

}  // namespace dist
