// What a run syncs, and what it tells the workers there.
#ifndef DIST_CLI_SYNC_PLAN_H_
#define DIST_CLI_SYNC_PLAN_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "actors/sync_plan.h"
#include "cli/options.h"
#include "cli/sync_layout.h"

namespace dist {

// The arguments of the framework for workers in a tree: paths of tests are
// relative to their folder, those in options as they are here, but absolute if
// the user is not in that folder. Errors: InvalidArgument for a path that is
// not synced.
absl::StatusOr<std::vector<std::string>> ArgsInTree(const SyncLayout& layout,
                                                    const Options& options);

// --fetch as it is matched in a tree: with a "/" it may be relative to the
// tree, to the project or to where the user is; of a folder that is named,
// without * and its like, all comes.
std::vector<std::string> FetchGlobs(const SyncLayout& layout,
                                    const std::vector<std::string>& written);

// What is synced, in a line for -v.
std::string Describe(const SyncLayout& layout, const SyncPlan& plan);

// Reads the files. `warnings`: for the user. Errors: what cannot be read.
absl::StatusOr<SyncPlan> TakeSnapshot(const SyncLayout& layout,
                                      std::vector<std::string>* warnings);

// `dist sync --dry-run [--explain PATH] [OPTIONS] [PATHS]`: what would be sent,
// one path a line, or which rule decided about a path.
absl::StatusOr<std::string> RunSyncVerb(const std::vector<std::string>& args);

}  // namespace dist

#endif  // DIST_CLI_SYNC_PLAN_H_
