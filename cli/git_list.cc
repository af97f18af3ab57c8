#include "cli/git_list.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/text.h"
#include "sync/fd.h"
#include "transports/spawn.h"

namespace dist {
namespace {

constexpr size_t kMostBytes = size_t{512} << 20;
constexpr size_t kMostWords = 64 << 10;

// Of `git rev-parse --local-env-vars`: what says where a repository is.
constexpr const char* kElsewhere[] = {"GIT_DIR",
                                      "GIT_WORK_TREE",
                                      "GIT_IMPLICIT_WORK_TREE",
                                      "GIT_INDEX_FILE",
                                      "GIT_PREFIX",
                                      "GIT_COMMON_DIR",
                                      "GIT_OBJECT_DIRECTORY",
                                      "GIT_ALTERNATE_OBJECT_DIRECTORIES",
                                      "GIT_NAMESPACE"};

bool IsRepository(const std::string& folder) {
  struct stat info;
  return lstat(absl::StrCat(folder, "/.git").c_str(), &info) == 0;
}

bool IsInRepository(std::string folder) {
  while (true) {
    if (IsRepository(folder)) return true;
    const size_t slash = folder.rfind('/');
    if (slash == std::string::npos || folder.size() == 1) return false;
    folder.resize(slash == 0 ? 1 : slash);
  }
}

// What git prints; nothing if it fails, which `words` says more of.
std::optional<std::string> RunGit(const std::string& folder, bool here,
                                  std::string* words) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
  const Fd out(ends[0]);
  Fd in(ends[1]);
  const Fd errors(memfd_create("git", MFD_CLOEXEC));
  SpawnRequest request;
  request.argv = {"git",     "ls-files", "-z",       "-t",
                  "--stage", "--cached", "--others", "--exclude-standard"};
  request.env = Environment();
  if (here) {
    for (const char* name : kElsewhere) UnsetVariable(name, &request.env);
  }
  request.cwd = folder;
  request.fds = {{in.get(), 1}};
  if (errors.ok()) request.fds.emplace_back(errors.get(), 2);
  const absl::StatusOr<pid_t> git = Spawn(request);
  in.Close();
  if (!git.ok()) {
    *words = "there is no git";
    return std::nullopt;
  }
  std::string listed;
  const absl::Status read = ReadWhole(out.get(), kMostBytes, "git", &listed);
  int status = 0;
  while (waitpid(*git, &status, 0) < 0 && errno == EINTR) {
  }
  if (read.ok() && status == 0) return listed;
  if (errors.ok() && lseek(errors.get(), 0, SEEK_SET) == 0) {
    ReadWhole(errors.get(), kMostWords, "git", words).IgnoreError();
  }
  *words = words->substr(0, words->find('\n'));
  if (words->empty()) *words = absl::StrCat("git ended with status ", status);
  return std::nullopt;
}

GitFiles List(const std::string& folder, bool here) {
  GitFiles files;
  std::string words;
  const std::optional<std::string> listed = RunGit(folder, here, &words);
  if (!listed) {
    if (here) {
      files.trouble = absl::StrCat("what git ignores in ", Printable(folder),
                                   " is synced, too: ", Printable(words));
    }
    return files;
  }
  std::vector<std::string>& paths = files.paths.emplace();
  // "? PATH" of what is untracked, "H MODE HASH STAGE\tPATH" of the rest.
  for (absl::string_view item :
       absl::StrSplit(*listed, '\0', absl::SkipEmpty())) {
    const bool tracked = !absl::StartsWith(item, "? ");
    const size_t from = tracked ? item.find('\t') + 1 : 2;
    const bool submodule =
        tracked && absl::StrContains(item.substr(0, from), " 160000 ");
    const bool repository = submodule || absl::EndsWith(item, "/");
    std::string path(item.substr(from));
    if (path.back() == '/') path.pop_back();
    const std::string inner = absl::StrCat(folder, "/", path);
    if (!repository || !IsRepository(inner)) {
      // A submodule that is not there is an empty folder, or nobody's.
      paths.push_back(std::move(path));
      continue;
    }
    GitFiles inside = List(inner, true);
    if (!inside.trouble.empty()) files.trouble = inside.trouble;
    if (!inside.paths) {
      paths.push_back(std::move(path));
      continue;
    }
    for (const std::string& name : *inside.paths) {
      paths.push_back(absl::StrCat(path, "/", name));
    }
  }
  return files;
}

}  // namespace

GitFiles GitList(const std::string& folder) {
  GitFiles files = List(folder, IsInRepository(folder));
  // Ignored as a whole, as by those who keep their home in git.
  if (files.paths && files.paths->empty() && !IsRepository(folder)) {
    files.paths.reset();
  }
  return files;
}

}  // namespace dist
