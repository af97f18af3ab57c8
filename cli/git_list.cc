#include "cli/git_list.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/strings/str_split.h"
#include "sync/fd.h"
#include "transports/spawn.h"

namespace dist {
namespace {

constexpr size_t kMostBytes = size_t{512} << 20;

}  // namespace

std::optional<std::vector<std::string>> GitList(const std::string& folder) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
  const Fd out(ends[0]);
  Fd in(ends[1]);
  SpawnRequest request;
  request.argv = {"git",      "ls-files", "-z",
                  "--cached", "--others", "--exclude-standard"};
  request.env = Environment();
  request.cwd = folder;
  request.fds = {{in.get(), 1}};
  const absl::StatusOr<pid_t> git = Spawn(request);
  in.Close();
  if (!git.ok()) return std::nullopt;
  std::string listed;
  const absl::Status read = ReadWhole(out.get(), kMostBytes, "git", &listed);
  int status = 0;
  while (waitpid(*git, &status, 0) < 0 && errno == EINTR) {
  }
  if (!read.ok() || status != 0) return std::nullopt;
  std::vector<std::string> paths =
      absl::StrSplit(listed, '\0', absl::SkipEmpty());
  // A repository in the repository ends with "/".
  for (std::string& path : paths) {
    if (path.back() == '/') path.pop_back();
  }
  return paths;
}

}  // namespace dist
