// From specifications to workers: their names, and what tells them apart.
#ifndef DIST_CORE_XSPEC_EXPAND_H_
#define DIST_CORE_XSPEC_EXPAND_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/xspec/xspec.h"

namespace dist {

// One worker of a run.
struct WorkerSpec {
  std::string name;                 // "gw0"; unique in the run.
  XSpec spec;                       // The specification it came from.
  size_t spec_index = 0;            // That specification's place among all.
  std::optional<size_t> via_index;  // Place of the one it is reached through.
};

// Returns the workers of all `specs`, in order. Those without `id=` are gw0,
// gw1, ... (counted over them alone, as execnet does); "1*...//id=a" is "a",
// "2*...//id=a" is "a-0", "a-1". `via=` names the `id=` of a specification or
// the name of a worker.
// Errors: InvalidArgument, formed as ParseXSpec's, for two workers of one
// name (both specifications are named), an unknown `via=`, a circle of them.
absl::StatusOr<std::vector<WorkerSpec>> ExpandSpecs(
    absl::Span<const XSpec> specs);

// Names the platform of each worker for `--dist=each`, all different: its name
// if `id=` chose that, else the items in which the specifications without
// `id=` differ ("python=python3.8"), else, where these are equal, its name.
std::vector<std::string> PlatformLabels(absl::Span<const WorkerSpec> workers);

}  // namespace dist

#endif  // DIST_CORE_XSPEC_EXPAND_H_
