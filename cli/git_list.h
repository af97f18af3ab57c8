// What git knows of a folder.
#ifndef DIST_CLI_GIT_LIST_H_
#define DIST_CLI_GIT_LIST_H_

#include <optional>
#include <string>
#include <vector>

namespace dist {

struct GitFiles {
  // Relative to the folder: files that are tracked, or untracked and not
  // ignored, those of submodules and of repositories in the repository among
  // them. Nothing if the folder is in no work tree, or all of it is ignored
  // there, or git cannot say.
  std::optional<std::vector<std::string>> paths;
  // One line, for the user: there is a repository, and git cannot say.
  std::string trouble;
};

// Runs `git ls-files` in `folder` (absolute). Where a repository is found above
// it, variables such as GIT_DIR, which git sets for its hooks, do not count.
// Blocks.
GitFiles GitList(const std::string& folder);

}  // namespace dist

#endif  // DIST_CLI_GIT_LIST_H_
