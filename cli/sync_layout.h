// What is synced, and where it is there: from options and the project to roots,
// rules and a base.
#ifndef DIST_CLI_SYNC_LAYOUT_H_
#define DIST_CLI_SYNC_LAYOUT_H_

#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
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
  // The innermost folder that the project and all that is synced are in, and
  // that is in no Python package; "here" of every tree. Absolute and without
  // links, as are the next two.
  std::string base;
  std::string rootdir;
  // Of the workers: the user's, or rootdir if that is outside.
  std::string cwd;
  SnapshotRequest request;
  // Roots that nobody named: what pytest and its tools read beside the tests,
  // and links on the way to what was named.
  std::set<std::string> along;
  std::string project;  // Names the project on every host.
  bool named = false;   // By --rsyncdir; else it is the project root,
  bool by_git = false;  // as git lists it.
  std::vector<std::string> warnings;  // For the user, one line each.
};

// Errors (exit status 4): an --rsyncdir that does not exist; a chdir= of this
// machine that would be synced onto itself; a home folder that is no project.
absl::StatusOr<SyncLayout> LayOutSync(const Request& request);

// The rule that keeps `path` (absolute) from being synced; "" if it is synced,
// with all of `below`.
std::string WhyNotSynced(const SyncLayout& layout, const std::string& path,
                         std::string* below = nullptr);

// The path in which only the last name may be a link. A path that does not
// exist stays as it is.
std::string WithoutLinksAbove(const std::string& path);

// Without links; "" if it does not exist.
std::string RealPath(const std::string& path);

// The path of `to` seen from the folder `from`; both absolute and normal.
std::string RelativePath(const std::string& from, const std::string& to);

// "/" if that cannot be told.
std::string CurrentFolder();

}  // namespace dist

#endif  // DIST_CLI_SYNC_LAYOUT_H_
