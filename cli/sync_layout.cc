#include "cli/sync_layout.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/git_list.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"
#include "core/config/project.h"
#include "core/manifest/digest.h"
#include "sync/cache_home.h"
#include "transports/host_facts.h"

namespace dist {
namespace {

// What pytest reads in the folders above a synced one, and coverage.py.
constexpr const char* kAboveFiles[] = {
    "conftest.py", "__init__.py", "pytest.ini", ".pytest.ini", "pyproject.toml",
    "tox.ini",     "setup.cfg",   "setup.py",   ".coveragerc"};
// More are a loop.
constexpr int kMaxLinks = 40;

bool IsIn(const std::string& path, const std::string& folder) {
  return folder == "/" || path == folder ||
         absl::StartsWith(path, absl::StrCat(folder, "/"));
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

std::string Join(const std::string& folder, const std::string& name) {
  return absl::StrCat(folder == "/" ? "" : folder, "/", name);
}

std::string CommonFolder(std::string a, const std::string& b) {
  while (!IsIn(b, a)) a = FolderOf(a);
  return a;
}

// Relative to the base; "" is the base itself.
std::string InBase(const std::string& base, const std::string& path) {
  return path == base ? "" : path.substr(base == "/" ? 1 : base.size() + 1);
}

bool Exists(const std::string& path) {
  struct stat info;
  return lstat(path.c_str(), &info) == 0;
}

std::string TargetOf(const std::string& link) {
  char target[PATH_MAX];
  const ssize_t size = readlink(link.c_str(), target, sizeof(target));
  return size < 0 ? "" : std::string(target, size);
}

void AddAlong(const std::string& path, SyncLayout* layout) {
  if (!IsIn(path, layout->base) || path == layout->base) return;
  const std::string in_base = InBase(layout->base, path);
  if (!layout->along.insert(in_base).second) return;
  layout->request.roots.push_back({in_base, std::nullopt});
}

// The links by which `path` (absolute) leads to what it names: there it shall
// lead to it, too.
void AddLinks(const std::string& path, SyncLayout* layout, int depth = 0) {
  for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string name = WithoutLinksAbove(path.substr(0, slash));
    const std::string target = TargetOf(name);
    if (!target.empty()) {
      AddAlong(name, layout);
      if (depth < kMaxLinks) {
        AddLinks(AbsolutePath(target, FolderOf(name)), layout, depth + 1);
      }
    }
    if (slash == std::string::npos) return;
  }
}

// A file that is read wherever it is, and whatever rule would leave it out.
void AddFile(const std::string& path, SyncLayout* layout) {
  if (!Exists(path)) return;
  AddLinks(path, layout);
  AddAlong(RealPath(path), layout);
}

// Whether pytest looks for the file in that folder above tests. It takes no
// conftest.py from above rootdir; a package is one wherever it is.
bool IsReadIn(const std::string& folder, absl::string_view name,
              const std::string& rootdir) {
  return IsIn(folder, rootdir) || name == "__init__.py" ||
         (name == "conftest.py" && !IsIn(rootdir, folder));
}

void AddAbove(const std::string& path, SyncLayout* layout) {
  std::string folder = path;
  while (folder != layout->base) {
    folder = FolderOf(folder);
    for (const char* name : kAboveFiles) {
      if (IsReadIn(folder, name, layout->rootdir)) {
        AddFile(Join(folder, name), layout);
      }
    }
  }
}

// Hidden files, which would be left out of the root itself.
void AddHidden(SyncLayout* layout) {
  for (const char* name : kAboveFiles) {
    if (name[0] == '.') AddFile(Join(layout->rootdir, name), layout);
  }
}

// pytest names modules from the first folder that is no package.
std::string AbovePackages(std::string folder) {
  while (folder != "/" && Exists(Join(folder, "__init__.py"))) {
    folder = FolderOf(folder);
  }
  return folder;
}

// `path`, which may not exist yet, without links.
std::string RealPlace(const std::string& path) {
  std::string there = path;
  while (RealPath(there).empty() && there != "/") there = FolderOf(there);
  const std::string real = RealPath(there);
  return there == path ? real : Join(real, InBase(there, path));
}

// Folders of this machine that a sync of this run, or dist's cache, writes to.
absl::StatusOr<std::vector<std::string>> OwnFolders(const Options& options,
                                                    const SyncLayout& layout) {
  std::vector<std::string> folders;
  const std::string cache = CacheHomePath();
  if (!cache.empty()) folders.push_back(RealPlace(cache));
  const char* home = getenv("HOME");
  for (const XSpec& spec : options.tx) {
    if (spec.transport != XSpec::Transport::kPopen || !spec.via.empty() ||
        spec.chdir.empty() || !WantsSync(options, spec)) {
      continue;
    }
    const std::string folder = RealPlace(AbsolutePath(
        ExpandHome(spec.chdir, home == nullptr ? "" : home), CurrentFolder()));
    for (const SyncRoot& root : layout.request.roots) {
      const std::string top =
          root.path.empty() ? layout.base : Join(layout.base, root.path);
      if (folder != layout.base && folder != top) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          "--tx '", Printable(spec.text), "': ", Printable(folder),
          " is itself what is synced\nhelp: without chdir= tests run in it; "
          "or name another folder"));
    }
    folders.push_back(folder);
  }
  return folders;
}

// The base as the user sees it, if a link has led there; else "". Whoever makes
// absolute links into a project uses that name.
std::string AliasOf(const std::string& base, const std::string& here) {
  const char* const pwd = getenv("PWD");
  if (pwd == nullptr || pwd[0] != '/' || !IsIn(here, base)) return "";
  std::string seen = AbsolutePath(pwd, "/");
  if (seen == here || RealPath(seen) != here) return "";
  std::string real = here;
  for (; real != base; real = FolderOf(real), seen = FolderOf(seen)) {
    if (seen.substr(seen.rfind('/')) != real.substr(real.rfind('/'))) return "";
  }
  return RealPath(seen) == base ? seen : "";
}

// Nobody means all of a home, or of a machine.
absl::Status CheckRoot(const Request& request, const std::string& rootdir) {
  const char* home = getenv("HOME");
  if (!request.inifile.empty() ||
      (rootdir != "/" && (home == nullptr || rootdir != RealPath(home)))) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "all of ", Printable(rootdir),
      " would be synced: neither git nor an ini file says that it is a "
      "project\nhelp: --rsyncdir DIR names what is needed; or put a pytest.ini "
      "beside the tests"));
}

// Absolute; "" if there is none.
std::string IniFile(const Request& request, const std::string& rootdir) {
  if (request.inifile.empty()) return "";
  return WithoutLinksAbove(AbsolutePath(request.inifile, rootdir));
}

// What was named, or else the project.
absl::Status AddRoots(const Request& request, const std::string& here,
                      SyncLayout* layout) {
  std::vector<std::string> folders;
  for (const std::string& written : request.options.rsyncdirs) {
    const std::string path = RealPath(AbsolutePath(written, here));
    if (path.empty()) {
      return absl::NotFoundError(absl::StrCat(
          "--rsyncdir ", Printable(written), ": no such file or directory",
          "\nhelp: paths are relative to ", Printable(here)));
    }
    folders.push_back(path);
    layout->base = CommonFolder(layout->base, path);
  }
  layout->base = AbovePackages(layout->base);
  layout->named = !folders.empty();
  layout->by_git = !layout->named;
  if (folders.empty()) folders.push_back(layout->rootdir);
  for (const std::string& path : folders) {
    SyncRoot root{InBase(layout->base, path), std::nullopt};
    if (layout->by_git) {
      GitFiles listed = GitList(path);
      if (!listed.trouble.empty()) layout->warnings.push_back(listed.trouble);
      root.listed = std::move(listed.paths);
      layout->by_git = root.listed.has_value();
      if (!layout->by_git) {
        DIST_RETURN_IF_ERROR(CheckRoot(request, layout->rootdir));
      }
    }
    layout->request.roots.push_back(std::move(root));
    AddAbove(path, layout);
  }
  for (const std::string& written : request.options.rsyncdirs) {
    AddLinks(AbsolutePath(written, here), layout);
  }
  return absl::OkStatus();
}

// Whether it lists that path, or something in it, or a folder that it is in.
bool Lists(const ListedPaths& listed, const std::string& path) {
  const auto starts = [](const std::string& a, const std::string& b) {
    return a.compare(0, b.size(), b) == 0 &&
           (a.size() == b.size() || a[b.size()] == '/');
  };
  return std::any_of(
      listed.begin(), listed.end(), [&](const std::string& each) {
        return path.empty() || starts(each, path) || starts(path, each);
      });
}

// Of one root that `path` is in, which is at `top`.
std::string WhyNotIn(const SyncLayout& layout, const SyncRoot& root,
                     const std::string& top, const std::string& path) {
  const std::string inside = InBase(top, path);
  struct stat info;
  // An ignored folder takes along what is in it.
  for (size_t end = inside.find('/'); !inside.empty();
       end = inside.find('/', end + 1)) {
    const std::string part = inside.substr(0, end);
    const std::string whole = Join(top, part);
    std::string rule = layout.request.rules.WhyIgnored(part, whole);
    if (!rule.empty()) return rule;
    if (end == std::string::npos) break;
    if (lstat(whole.c_str(), &info) == 0 && S_ISLNK(info.st_mode)) {
      if (root.listed && !Lists(*root.listed, part)) return "git ignores it";
      const std::string real = RealPath(path);
      return real.empty() ? "it does not exist" : WhyNotSynced(layout, real);
    }
  }
  if (lstat(path.c_str(), &info) != 0) return "it does not exist";
  if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode) &&
      !S_ISLNK(info.st_mode)) {
    return "it is a FIFO, a socket or a device";
  }
  if (root.listed && !Lists(*root.listed, inside)) {
    return S_ISDIR(info.st_mode) ? "git lists nothing in it" : "git ignores it";
  }
  return "";
}

}  // namespace

std::string CurrentFolder() {
  char buffer[PATH_MAX];
  return getcwd(buffer, sizeof(buffer)) == nullptr ? "/" : buffer;
}

std::string RealPath(const std::string& path) {
  char buffer[PATH_MAX];
  return realpath(path.c_str(), buffer) == nullptr ? "" : buffer;
}

std::string WithoutLinksAbove(const std::string& path) {
  const std::string folder = RealPath(FolderOf(path));
  if (folder.empty() || path == "/") return path;
  return Join(folder, path.substr(path.rfind('/') + 1));
}

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
  SyncLayout layout;
  const std::string here = CurrentFolder();
  layout.rootdir = RealPath(request.rootdir);
  if (layout.rootdir.empty()) layout.rootdir = request.rootdir;
  layout.base = layout.rootdir;
  const std::string inifile = IniFile(request, layout.rootdir);
  if (!inifile.empty()) {
    layout.base = CommonFolder(layout.base, FolderOf(inifile));
  }
  DIST_RETURN_IF_ERROR(AddRoots(request, here, &layout));
  DIST_ASSIGN_OR_RETURN(std::vector<std::string> own,
                        OwnFolders(request.options, layout));
  layout.request.base = layout.base;
  layout.request.alias = AliasOf(layout.base, here);
  layout.request.rules =
      IgnoreRules(request.options.rsyncignore, std::move(own));
  AddHidden(&layout);
  if (!inifile.empty() && !WhyNotSynced(layout, inifile).empty()) {
    AddFile(inifile, &layout);
  }
  layout.cwd = IsIn(here, layout.base) ? here : layout.rootdir;
  layout.project =
      DigestOf(absl::StrCat(HostName(), "\n", geteuid(), "\n", layout.rootdir))
          .Hex()
          .substr(0, 32);
  return layout;
}

std::string WhyNotSynced(const SyncLayout& layout, const std::string& path,
                         std::string* below) {
  std::string why = layout.named ? "it is in no --rsyncdir"
                                 : absl::StrCat("it is not in the project (",
                                                Printable(layout.rootdir), ")");
  for (const SyncRoot& root : layout.request.roots) {
    const std::string top =
        root.path.empty() ? layout.base : Join(layout.base, root.path);
    if (!IsIn(path, top)) continue;
    why = WhyNotIn(layout, root, top, path);
    if (!why.empty()) continue;
    if (below != nullptr) *below = top;
    return why;
  }
  return why;
}

}  // namespace dist
