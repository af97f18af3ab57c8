#include "cli/sync_plan.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/git_list.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"
#include "core/config/project.h"
#include "core/manifest/digest.h"
#include "sync/cache_home.h"
#include "transports/host_facts.h"

namespace dist {
namespace {

// What pytest reads in the folders above a synced one.
constexpr const char* kAboveFiles[] = {
    "conftest.py",    "__init__.py", "pytest.ini", ".pytest.ini",
    "pyproject.toml", "tox.ini",     "setup.cfg",  "setup.py"};

std::string CurrentFolder() {
  char buffer[PATH_MAX];
  return getcwd(buffer, sizeof(buffer)) == nullptr ? "/" : buffer;
}

// Without symbolic links; "" if it does not exist.
std::string RealPath(const std::string& path) {
  char buffer[PATH_MAX];
  return realpath(path.c_str(), buffer) == nullptr ? "" : buffer;
}

bool IsIn(const std::string& path, const std::string& folder) {
  return folder == "/" || path == folder ||
         absl::StartsWith(path, absl::StrCat(folder, "/"));
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

std::string CommonFolder(std::string a, const std::string& b) {
  while (!IsIn(b, a)) a = FolderOf(a);
  return a;
}

// Relative to the base; "" is the base itself.
std::string InBase(const std::string& base, const std::string& path) {
  return path == base ? "" : path.substr(base == "/" ? 1 : base.size() + 1);
}

// Ini files and conftest.py of the folders from rootdir down to `path`.
void AddAbove(const std::string& path, SyncLayout* layout) {
  if (!IsIn(path, layout->rootdir) || path == layout->rootdir) return;
  std::string folder = path;
  do {
    folder = FolderOf(folder);
    for (const char* name : kAboveFiles) {
      const std::string file =
          absl::StrCat(folder == "/" ? "" : folder, "/", name);
      struct stat info;
      if (lstat(file.c_str(), &info) == 0 && S_ISREG(info.st_mode)) {
        layout->request.roots.push_back(
            {InBase(layout->base, file), std::nullopt});
      }
    }
  } while (folder != layout->rootdir);
}

// The path, and the "::test" behind it.
std::pair<std::string, std::string> SplitTestId(const std::string& arg) {
  const size_t colons = arg.find("::");
  if (colons == std::string::npos) return {arg, ""};
  return {arg.substr(0, colons), arg.substr(colons)};
}

// Whether the path is below something that is synced.
bool IsSynced(const SyncLayout& layout, const std::string& path) {
  return std::any_of(
      layout.request.roots.begin(), layout.request.roots.end(),
      [&](const SyncRoot& root) {
        return IsIn(
            path, root.path.empty()
                      ? layout.base
                      : absl::StrCat(layout.base == "/" ? "" : layout.base, "/",
                                     root.path));
      });
}

}  // namespace

std::string RelativePath(const std::string& from, const std::string& to) {
  const std::string common = CommonFolder(from, to);
  std::string path;
  for (std::string up = from; up != common; up = FolderOf(up)) {
    absl::StrAppend(&path, path.empty() ? "" : "/", "..");
  }
  const std::string down = InBase(common, to);
  if (!down.empty()) absl::StrAppend(&path, path.empty() ? "" : "/", down);
  return path.empty() ? "." : path;
}

bool WantsSync(const Options& options, const XSpec& spec) {
  if (options.no_sync) return false;
  if (!spec.chdir.empty()) return !options.rsyncdirs.empty();
  return spec.transport != XSpec::Transport::kPopen;
}

absl::StatusOr<SyncLayout> LayOutSync(const Request& request) {
  const Options& options = request.options;
  SyncLayout layout;
  const std::string here = CurrentFolder();
  layout.rootdir = RealPath(request.rootdir);
  if (layout.rootdir.empty()) layout.rootdir = request.rootdir;
  layout.base = layout.rootdir;
  std::vector<std::string> folders;
  for (const std::string& written : options.rsyncdirs) {
    const std::string path = RealPath(AbsolutePath(written, here));
    if (path.empty()) {
      return absl::NotFoundError(absl::StrCat(
          "--rsyncdir ", Printable(written), ": no such file or directory",
          "\nhelp: paths are relative to ", here));
    }
    folders.push_back(path);
    layout.base = CommonFolder(layout.base, path);
  }
  layout.by_git = folders.empty();
  if (folders.empty()) folders.push_back(layout.rootdir);
  for (const std::string& path : folders) {
    SyncRoot root{InBase(layout.base, path), std::nullopt};
    if (layout.by_git) root.listed = GitList(path);
    layout.by_git = layout.by_git && root.listed.has_value();
    layout.request.roots.push_back(std::move(root));
    AddAbove(path, &layout);
  }
  layout.request.base = layout.base;
  layout.request.rules = IgnoreRules(options.rsyncignore);
  layout.cwd = IsIn(here, layout.base) ? here : layout.rootdir;
  layout.project =
      DigestOf(absl::StrCat(HostName(), "\n", geteuid(), "\n", layout.rootdir))
          .Hex()
          .substr(0, 32);
  return layout;
}

absl::StatusOr<std::vector<std::string>> ArgsInTree(const SyncLayout& layout,
                                                    const Options& options) {
  const std::string here = CurrentFolder();
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
      args.push_back(arg);
    }
  }
  args.push_back(
      absl::StrCat("--rootdir=", RelativePath(layout.cwd, layout.rootdir)));
  const bool modules =
      std::find(args.begin(), args.end(), "--pyargs") != args.end();
  for (const std::string& written : options.paths) {
    const auto [name, test] = SplitTestId(written);
    std::string path = AbsolutePath(name, here);
    if (modules && access(path.c_str(), F_OK) != 0) {
      args.push_back(written);
      continue;
    }
    if (!IsSynced(layout, path)) path = RealPath(path);
    if (!IsSynced(layout, path)) {
      return absl::InvalidArgumentError(absl::StrCat(
          Printable(name), " is not in what is synced\nhelp: add --rsyncdir ",
          Printable(name)));
    }
    args.push_back(absl::StrCat(RelativePath(layout.cwd, path), test));
  }
  return args;
}

absl::StatusOr<SyncPlan> TakeSnapshot(const SyncLayout& layout,
                                      std::vector<std::string>* warnings) {
  HashCache cache(CacheHomePath(), layout.project);
  DIST_ASSIGN_OR_RETURN(const std::shared_ptr<const Snapshot> snapshot,
                        Snapshot::Take(layout.request, &cache));
  for (const std::string& warning : snapshot->warnings()) {
    warnings->push_back(warning);
  }
  SyncPlan plan;
  plan.likely_known = cache.last_synced() == snapshot->hash();
  cache.set_last_synced(snapshot->hash());
  cache.Save();
  plan.blocks = std::make_shared<BlockMaker>(snapshot);
  plan.project = layout.project;
  plan.base = layout.base;
  return plan;
}

namespace {

std::string Explain(const SyncLayout& layout, const std::string& written) {
  const std::string path = AbsolutePath(written, CurrentFolder());
  std::string why = absl::StrCat("it is in no --rsyncdir, nor in the project (",
                                 Printable(layout.rootdir), ")");
  for (const SyncRoot& root : layout.request.roots) {
    const std::string top =
        root.path.empty() ? layout.base
                          : absl::StrCat(layout.base == "/" ? "" : layout.base,
                                         "/", root.path);
    if (!IsIn(path, top)) continue;
    const std::string inside = InBase(top, path);
    std::string rule;
    // An ignored folder takes along what is in it.
    for (size_t end = inside.find('/'); rule.empty();
         end = inside.find('/', end + 1)) {
      const std::string part = inside.substr(0, end);
      rule =
          layout.request.rules.WhyIgnored(part, absl::StrCat(top, "/", part));
      if (end == std::string::npos) break;
    }
    struct stat info;
    if (lstat(path.c_str(), &info) != 0) {
      rule = "it does not exist";
    } else if (rule.empty() && root.listed && !S_ISDIR(info.st_mode) &&
               std::find(root.listed->begin(), root.listed->end(), inside) ==
                   root.listed->end()) {
      rule = "git ignores it";
    }
    if (rule.empty()) {
      return absl::StrCat(
          "synced: ", Printable(written), "\n  ",
          layout.by_git ? "git lists it below " : "it is below ",
          Printable(top), "\n");
    }
    why = rule;
  }
  return absl::StrCat("not synced: ", Printable(written), "\n  ", why, "\n");
}

std::string ListManifest(const Snapshot& snapshot) {
  std::string text;
  uint64_t bytes = 0;
  size_t files = 0;
  for (const Entry& entry : snapshot.manifest().entries) {
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
  for (const std::string& warning : snapshot.warnings()) {
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
  std::vector<std::string> warnings;
  HashCache cache(CacheHomePath(), layout.project);
  DIST_ASSIGN_OR_RETURN(const std::shared_ptr<const Snapshot> snapshot,
                        Snapshot::Take(layout.request, &cache));
  cache.Save();
  return ListManifest(*snapshot);
}

}  // namespace dist
