// What a run syncs: from options and the project to roots, rules and places.
#ifndef DIST_CLI_SYNC_PLAN_H_
#define DIST_CLI_SYNC_PLAN_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "actors/sync_plan.h"
#include "cli/options.h"
#include "cli/plan.h"
#include "core/xspec/xspec.h"
#include "sync/snapshot.h"

namespace dist {

// Whether workers of that specification run in a synced tree: all that are not
// plain popen, but for --no-sync and for chdir= without --rsyncdir.
bool WantsSync(const Options& options, const XSpec& spec);

// What is synced, and how paths here become paths there.
struct SyncLayout {
  // The innermost folder that the project and all that is synced are in; "here"
  // of every tree. Absolute, as are the next two.
  std::string base;
  std::string rootdir;
  std::string
      cwd;  // Of the workers: the user's, or rootdir if that is outside.
  SnapshotRequest request;
  std::string project;  // Names the project on every host.
  bool by_git = false;  // The project root, as git lists it.
};

// Errors: NotFound for an --rsyncdir that does not exist (exit status 4).
absl::StatusOr<SyncLayout> LayOutSync(const Request& request);

// The arguments of the framework for workers in a tree: paths are relative to
// their folder. Errors: InvalidArgument for a path that is not synced.
absl::StatusOr<std::vector<std::string>> ArgsInTree(const SyncLayout& layout,
                                                    const Options& options);

// Reads the files. `warnings`: for the user. Errors: what cannot be read.
absl::StatusOr<SyncPlan> TakeSnapshot(const SyncLayout& layout,
                                      std::vector<std::string>* warnings);

// `dist sync --dry-run [--explain PATH] [OPTIONS] [PATHS]`: what would be sent,
// one path a line, or which rule decided about a path.
absl::StatusOr<std::string> RunSyncVerb(const std::vector<std::string>& args);

// The path of `to` seen from the folder `from`; both absolute and normal.
std::string RelativePath(const std::string& from, const std::string& to);

}  // namespace dist

#endif  // DIST_CLI_SYNC_PLAN_H_
