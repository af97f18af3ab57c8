// Policies: how tests are handed to workers.
//
// A mode of --dist is a combination of three independent parts: what must stay
// together (together.h), who runs what (Spread), and how much a worker gets at
// a time (Policy). The order is a fourth, and the run's, not the mode's:
// longest first where durations are known, failed first where asked for.
//
// A policy answers one question, how much a worker gets next, from numbers
// alone. Which tests those are, who holds what and what became of it is the
// ledger's business (core/run/ledger.h), so a policy cannot lose a test.
#ifndef DIST_CORE_SCHEDULE_POLICY_H_
#define DIST_CORE_SCHEDULE_POLICY_H_

#include <cstddef>
#include <memory>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "core/schedule/together.h"

namespace dist {

// What one worker has and what there is for it. Times are what is expected of
// the tests; zero if nothing is known yet.
struct Demand {
  size_t queued = 0;   // Leased to it and not done, the running one included.
  size_t pending = 0;  // Not leased to anybody, and in its collection.
  size_t workers = 1;  // Workers that share `pending`, starting ones included.
  size_t idle = 1;     // Those of them that hold nothing, this one included.
  bool foreseen = false;  // By earlier runs; else it is this run's mean.
  absl::Duration queued_time;
  absl::Duration pending_time;
  absl::Duration round_trip;  // Of the link to it; zero if not measured yet.
};

// How much to lease: tests are added until one of the limits is reached, but
// one at least, and what must stay together is not split. No tests: nothing.
struct Portion {
  size_t tests = 0;
  absl::Duration time = absl::InfiniteDuration();
};

struct PolicyOptions {
  size_t max_chunk = 0;  // --maxschedchunk: most tests a lease; 0: no limit.
};

class Policy {
 public:
  virtual ~Policy() = default;

  // How much of what is pending to lease now. Must not be nothing for a worker
  // with an empty queue while something is pending.
  virtual Portion Next(const Demand& demand) const = 0;
};

// Who runs what.
enum class Spread {
  kShared,         // Each test runs once, on any worker that has it. What has
                   // not started moves from busy workers to idle ones.
  kEveryWorkerAll  // Each worker is a platform of its own and runs everything.
};

// Where to begin while nothing is known of the tests' durations.
enum class Untimed {
  kAsCollected,
  kBothEnds  // Modules from the front and the end in turn: where the slow ones
             // are all at one end of the list, they are not left for last.
};

struct PolicyEntry {
  absl::string_view name;  // As in --dist.
  Spread spread = Spread::kShared;
  Together together = Together::kNothing;
  Untimed untimed = Untimed::kAsCollected;
  std::unique_ptr<Policy> (*make)(const PolicyOptions& options) = nullptr;
};

// The table (policies.inc), in the order of the manual.
absl::Span<const PolicyEntry> Policies();

// The entry of that name, or null.
const PolicyEntry* FindPolicy(absl::string_view name);

}  // namespace dist

#endif  // DIST_CORE_SCHEDULE_POLICY_H_
