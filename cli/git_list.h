// What git knows of a folder.
#ifndef DIST_CLI_GIT_LIST_H_
#define DIST_CLI_GIT_LIST_H_

#include <optional>
#include <string>
#include <vector>

namespace dist {

// Runs `git ls-files` in `folder`: the files below it that are tracked, or
// untracked and not ignored, relative to it. Nothing if there is no git, or
// `folder` is in no work tree. Blocks.
std::optional<std::vector<std::string>> GitList(const std::string& folder);

}  // namespace dist

#endif  // DIST_CLI_GIT_LIST_H_
