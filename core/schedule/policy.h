// Policies: how tests are handed to workers.
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

namespace dist {

// What one worker has and what there is for it.
struct Demand {
  size_t queued = 0;    // Leased to it and not done, the running one included.
  size_t pending = 0;   // Not leased to anybody, and in its collection.
  size_t workers = 1;   // Workers that share `pending`, starting ones included.
  absl::Duration mean;  // Of the tests done so far; zero if none is.
};

struct PolicyOptions {
  size_t max_chunk = 0;  // --maxschedchunk: most tests a lease; 0: no limit.
};

class Policy {
 public:
  virtual ~Policy() = default;

  // How many of `demand.pending` to lease now; 0: none yet. Must not be 0 for
  // a worker with an empty queue while something is pending.
  virtual size_t Portion(const Demand& demand) const = 0;
};

// Who runs what.
enum class Spread {
  kShared,         // Each test runs once, on any worker that has it.
  kEveryWorkerAll  // Each worker is a platform of its own and runs everything.
};

struct PolicyEntry {
  absl::string_view name;  // As in --dist.
  Spread spread = Spread::kShared;
  std::unique_ptr<Policy> (*make)(const PolicyOptions& options) = nullptr;
};

// The table (policies.inc), in the order of the manual.
absl::Span<const PolicyEntry> Policies();

// The entry of that name, or null.
const PolicyEntry* FindPolicy(absl::string_view name);

}  // namespace dist

#endif  // DIST_CORE_SCHEDULE_POLICY_H_
