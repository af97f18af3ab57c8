// Which project a run belongs to: its root, its ini file, its settings there.
#ifndef DIST_CORE_CONFIG_PROJECT_H_
#define DIST_CORE_CONFIG_PROJECT_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace dist {

// The file system as FindProject sees it. Paths are absolute and have no "."
// or ".." in them; symbolic links are followed.
struct FileView {
  enum class Kind { kNone, kFile, kDirectory };

  std::function<Kind(const std::string& path)> kind;
  // Nothing: not readable.
  std::function<std::optional<std::string>(const std::string& path)> read;
  // $NAME of --rootdir. May be empty.
  std::function<std::optional<std::string>(const std::string& name)> env;
  std::string cwd;  // Absolute: where the user is.
};

// What the command line says about it.
struct ProjectQuery {
  std::vector<std::string> args;       // Paths and test ids; may not exist.
  std::optional<std::string> inifile;  // -c
  std::optional<std::string> rootdir;  // --rootdir
};

struct Project {
  std::string rootdir;                 // Absolute.
  std::optional<std::string> inifile;  // Absolute.
  std::vector<std::string> addopts;    // Split into words.
  // Absolute: relative ones were relative to the ini file's directory.
  std::vector<std::string> rsyncdirs;
  // Patterns without "/" as they are: they match base names. Others absolute,
  // likewise relative to the ini file: match them against whole paths.
  std::vector<std::string> rsyncignore;
};

// Finds what pytest 7.2 finds (determine_setup and locate_config in its
// _pytest/config/findpaths.py): in the directories from the arguments' common
// ancestor upwards the first pytest.ini (even when empty), .pytest.ini,
// pyproject.toml, tox.ini or setup.cfg that has a section for pytest; else the
// first with a setup.py; else the same from each argument; else the common
// ancestor of the arguments and `cwd`.
// Errors: InvalidArgument "PATH:LINE: cause\nhelp: ..." for a file that pytest
// would refuse as well; NotFound for a -c or --rootdir that does not exist.
absl::StatusOr<Project> FindProject(const ProjectQuery& query,
                                    const FileView& files);

// `path` made absolute and free of "//", "." and "..", without a look at the
// file system: Python's os.path.abspath. REQUIRES: `base` is absolute.
std::string AbsolutePath(absl::string_view path, absl::string_view base);

}  // namespace dist

#endif  // DIST_CORE_CONFIG_PROJECT_H_
