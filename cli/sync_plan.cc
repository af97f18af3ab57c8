#include "cli/sync_plan.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"
#include "core/config/project.h"
#include "core/model/local_paths.h"
#include "sync/cache_home.h"
#include "sync/framing.h"

namespace dist {
namespace {

// The path, and the "::test" behind it.
std::pair<std::string, std::string> SplitTestId(const std::string& arg) {
  const size_t colons = arg.find("::");
  if (colons == std::string::npos) return {arg, ""};
  return {arg.substr(0, colons), arg.substr(colons)};
}

// How `path` (absolute) is named where it is synced, which may be by its links
// or without them. Errors: InvalidArgument, it is not; `name` is the user's.
absl::StatusOr<std::string> SyncedPath(const SyncLayout& layout,
                                       const std::string& path,
                                       const std::string& name) {
  std::string why = WhyNotSynced(layout, path);
  if (why.empty()) return path;
  const std::string real = RealPath(path);
  if (!real.empty() && real != path) {
    const std::string why_real = WhyNotSynced(layout, real);
    if (why_real.empty()) return real;
    why = why_real;
  }
  return absl::InvalidArgumentError(
      absl::StrCat(Printable(name), " is not in what is synced: ", why,
                   "\nhelp: add --rsyncdir ", Printable(name)));
}

// Whose values pytest takes relative to the current folder.
constexpr absl::string_view kPathOptions[] = {
    "--ignore=", "--ignore-glob=", "--confcutdir="};

// Workers run somewhere else than the user.
std::string WithAbsolutePath(const std::string& arg, const std::string& here) {
  for (const absl::string_view option : kPathOptions) {
    absl::string_view value = arg;
    if (!absl::ConsumePrefix(&value, option)) continue;
    return absl::StrCat(option, AbsolutePath(std::string(value), here));
  }
  return arg;
}

std::vector<std::string> Warnings(const SyncLayout& layout,
                                  const Snapshot& snapshot) {
  std::vector<std::string> warnings = layout.warnings;
  warnings.insert(warnings.end(), snapshot.warnings().begin(),
                  snapshot.warnings().end());
  return warnings;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ArgsInTree(const SyncLayout& layout,
                                                    const Options& options) {
  const std::string here = CurrentFolder();
  const std::string& alias = layout.request.alias;
  std::vector<std::string> args;
  for (size_t i = 0; i < options.framework_args.size(); ++i) {
    const std::string& arg = options.framework_args[i];
    if (arg == "--rootdir") {
      ++i;
    } else if (arg == "-c" && i + 1 < options.framework_args.size()) {
      args.push_back(arg);
      args.push_back(RelativePath(
          layout.cwd, AbsolutePath(options.framework_args[++i], here)));
    } else if (!absl::StartsWith(arg, "--rootdir=")) {
      args.push_back(layout.cwd == here ? arg : WithAbsolutePath(arg, here));
    }
  }
  if (!alias.empty()) args = ArgsThere(std::move(args), alias, layout.base);
  args.push_back(
      absl::StrCat("--rootdir=", RelativePath(layout.cwd, layout.rootdir)));
  const bool modules =
      std::find(args.begin(), args.end(), "--pyargs") != args.end();
  // Many tests may be named, of few files.
  absl::flat_hash_map<std::string, std::string> synced;
  for (const std::string& written : options.paths) {
    const auto [name, test] = SplitTestId(written);
    const std::string path = AbsolutePath(name, here);
    if (modules && access(path.c_str(), F_OK) != 0) {
      args.push_back(written);
      continue;
    }
    const auto [found, added] = synced.try_emplace(path);
    if (added) {
      DIST_ASSIGN_OR_RETURN(found->second, SyncedPath(layout, path, name));
    }
    args.push_back(absl::StrCat(RelativePath(layout.cwd, found->second), test));
  }
  return args;
}

std::vector<std::string> FetchGlobs(const SyncLayout& layout,
                                    const std::vector<std::string>& written) {
  std::set<std::string> tops = {""};
  for (const std::string& folder : {layout.rootdir, layout.cwd}) {
    const std::string top = RelativePath(layout.base, folder);
    if (top != ".") tops.insert(absl::StrCat(top, "/"));
  }
  const std::string base = layout.base == "/" ? "/" : layout.base + "/";
  std::vector<std::string> globs;
  for (absl::string_view glob : written) {
    while (absl::ConsumePrefix(&glob, "./")) {
    }
    while (absl::ConsumeSuffix(&glob, "/")) {
    }
    const bool absolute = absl::ConsumePrefix(&glob, base);
    const bool path = absolute || absl::StrContains(glob, '/');
    const bool plain = glob.find_first_of("*?[") == glob.npos;
    if (!path) globs.emplace_back(glob);
    for (const std::string& top : tops) {
      if (path) globs.push_back(absl::StrCat(top, glob));
      if (plain) globs.push_back(absl::StrCat(top, glob, "/**"));
      if (absolute) break;
    }
    if (plain && !path) globs.push_back(absl::StrCat("**/", glob, "/**"));
  }
  return globs;
}

std::string Describe(const SyncLayout& layout, const SyncPlan& plan) {
  uint64_t bytes = 0;
  size_t files = 0;
  for (const Entry& entry : plan.blocks->snapshot().manifest()) {
    if (entry.type != EntryType::kFile) continue;
    ++files;
    bytes += entry.size;
  }
  std::vector<std::string> roots;
  for (const SyncRoot& root : layout.request.roots) {
    if (layout.along.count(root.path) != 0) continue;
    if (!root.path.empty()) roots.push_back(Printable(root.path));
  }
  return absl::StrCat("syncs ", files, files == 1 ? " file, " : " files, ",
                      bytes, " bytes, of ", Printable(layout.base),
                      roots.empty() ? "" : ": ", absl::StrJoin(roots, ", "),
                      layout.by_git ? " as git lists it" : "");
}

absl::StatusOr<SyncPlan> TakeSnapshot(const SyncLayout& layout,
                                      std::vector<std::string>* warnings) {
  HashCache cache(CacheHomePath(), layout.project);
  DIST_ASSIGN_OR_RETURN(const std::shared_ptr<const Snapshot> snapshot,
                        Snapshot::Take(layout.request, &cache));
  *warnings = Warnings(layout, *snapshot);
  SyncPlan plan;
  plan.likely_known = cache.last_synced() == snapshot->hash();
  cache.set_last_synced(snapshot->hash());
  cache.Save();
  plan.blocks = std::make_shared<BlockMaker>(snapshot, FrameSyncTold);
  plan.project = layout.project;
  plan.base = layout.base;
  return plan;
}

namespace {

std::string Explain(const SyncLayout& layout, const std::string& written) {
  const std::string path =
      WithoutLinksAbove(AbsolutePath(written, CurrentFolder()));
  std::string below;
  const std::string why = WhyNotSynced(layout, path, &below);
  if (!why.empty()) {
    return absl::StrCat("not synced: ", Printable(written), "\n  ", why, "\n");
  }
  std::string rule = absl::StrCat(
      layout.by_git ? "git lists it below " : "it is below ", Printable(below));
  if (layout.along.count(RelativePath(layout.base, below)) != 0) {
    rule = "it comes along: tests or their tools look for it";
  }
  return absl::StrCat("synced: ", Printable(written), "\n  ", rule, "\n");
}

std::string ListManifest(const Snapshot& snapshot,
                         const std::vector<std::string>& warnings) {
  std::string text;
  uint64_t bytes = 0;
  size_t files = 0;
  for (const Entry& entry : snapshot.manifest()) {
    absl::StrAppend(&text, Printable(entry.path));
    if (entry.type == EntryType::kFolder) absl::StrAppend(&text, "/");
    if (entry.type == EntryType::kLink) {
      absl::StrAppend(&text, " -> ", Printable(entry.target));
    }
    if (entry.type == EntryType::kFile) {
      ++files;
      bytes += entry.size;
    }
    absl::StrAppend(&text, "\n");
  }
  absl::StrAppend(&text, files, " files, ", bytes, " bytes, from ",
                  Printable(snapshot.base()), "\n");
  for (const std::string& warning : warnings) {
    absl::StrAppend(&text, "warning: ", warning, "\n");
  }
  return text;
}

}  // namespace

absl::StatusOr<std::string> RunSyncVerb(const std::vector<std::string>& args) {
  std::vector<std::string> rest;
  std::vector<std::string> explain;
  bool dry_run = false;
  for (size_t i = 0; i < args.size(); ++i) {
    if (args[i] == "--dry-run") {
      dry_run = true;
    } else if (args[i] == "--explain" && i + 1 < args.size()) {
      explain.push_back(args[++i]);
    } else if (absl::StartsWith(args[i], "--explain=")) {
      explain.push_back(args[i].substr(10));
    } else {
      rest.push_back(args[i]);
    }
  }
  if (!dry_run) {
    return absl::InvalidArgumentError(
        "dist sync does nothing yet but with --dry-run\nhelp: dist sync "
        "--dry-run [--explain PATH] lists what a run would sync");
  }
  DIST_ASSIGN_OR_RETURN(const Request request, ReadRequest(rest));
  DIST_ASSIGN_OR_RETURN(const SyncLayout layout, LayOutSync(request));
  std::string text;
  for (const std::string& path : explain) {
    absl::StrAppend(&text, Explain(layout, path));
  }
  if (!explain.empty()) return text;
  HashCache cache(CacheHomePath(), layout.project);
  DIST_ASSIGN_OR_RETURN(const std::shared_ptr<const Snapshot> snapshot,
                        Snapshot::Take(layout.request, &cache));
  cache.Save();
  return ListManifest(*snapshot, Warnings(layout, *snapshot));
}

}  // namespace dist
