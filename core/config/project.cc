#include "core/config/project.h"

#include <map>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"
#include "core/config/ini.h"
#include "core/config/toml.h"

namespace dist {
namespace {

using Kind = FileView::Kind;
using Strings = std::vector<std::string>;

// A value of pytest's ini: text from ini files, text or a list from TOML.
struct IniValue {
  bool is_list = false;
  Strings values;  // One text, or the list.
  std::string where;
};
using IniValues = std::map<std::string, IniValue>;

// A file that configures pytest, and what it says.
struct Config {
  std::string path;
  IniValues values;
};

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string NameOf(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

std::string Join(const std::string& directory, absl::string_view name) {
  return absl::StrCat(directory, directory == "/" ? "" : "/", name);
}

// `path` and the directories above it, upwards.
Strings Upwards(std::string path) {
  Strings all = {path};
  while (path != "/") {
    path = ParentOf(path);
    all.push_back(path);
  }
  return all;
}

std::string CommonAncestor(const std::string& a, const std::string& b) {
  for (const std::string& above : Upwards(a)) {
    if (above == "/" || above == b || absl::StartsWith(b, above + "/")) {
      return above;
    }
  }
  return "/";
}

IniValues ValuesOf(const IniSection& section, const std::string& path) {
  IniValues values;
  for (const IniEntry& entry : section.entries) {
    values[entry.name] = {
        false, {entry.value}, absl::StrCat(path, ":", entry.line)};
  }
  return values;
}

IniValues ValuesOf(const TomlTable& table, const std::string& path) {
  IniValues values;
  for (const TomlEntry& entry : table) {
    values[entry.key] = {entry.kind == TomlEntry::Kind::kList, entry.values,
                         absl::StrCat(path, ":", entry.line)};
  }
  return values;
}

// load_config_dict_from_file for .ini and .cfg.
absl::StatusOr<std::optional<IniValues>> LoadIni(const std::string& path,
                                                 const std::string& text) {
  DIST_ASSIGN_OR_RETURN(const IniFile file, ParseIni(text, path));
  const bool is_cfg = absl::EndsWith(path, ".cfg");
  if (const auto* section = file.Find(is_cfg ? "tool:pytest" : "pytest")) {
    return ValuesOf(*section, path);
  }
  if (const auto* section = is_cfg ? file.Find("pytest") : nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ":", section->line, ": pytest does not read [pytest] in a .cfg ",
        "file\nhelp: rename the section to [tool:pytest]"));
  }
  // A pytest.ini marks the root even when it is empty.
  if (NameOf(path) == "pytest.ini") return IniValues();
  return std::nullopt;
}

class Finder {
 public:
  Finder(const ProjectQuery& query, const FileView& files)
      : query_(query), files_(files) {}

  absl::StatusOr<Project> Find() {
    const Strings directories = DirectoriesOfArgs();
    if (query_.inifile && !query_.inifile->empty()) {
      DIST_RETURN_IF_ERROR(UseGivenIniFile());
    } else {
      DIST_RETURN_IF_ERROR(Search(directories));
    }
    if (query_.rootdir && !query_.rootdir->empty()) {
      DIST_RETURN_IF_ERROR(UseGivenRootDir());
    }
    return std::move(project_);
  }

  IniValues TakeValues() { return std::move(values_); }

 private:
  std::string Absolute(absl::string_view path) const {
    return AbsolutePath(path, files_.cwd);
  }

  // get_dirs_from_args: what exists, as directories.
  Strings DirectoriesOfArgs() const {
    Strings directories;
    for (const std::string& arg : query_.args) {
      if (absl::StartsWith(arg, "-")) continue;
      const std::string path = Absolute(arg.substr(0, arg.find("::")));
      const Kind kind = files_.kind(path);
      if (kind == Kind::kNone) continue;
      directories.push_back(kind == Kind::kDirectory ? path : ParentOf(path));
    }
    return directories;
  }

  absl::StatusOr<std::optional<IniValues>> Load(const std::string& path) const {
    const bool is_toml = absl::EndsWith(path, ".toml");
    if (!is_toml && !absl::EndsWith(path, ".ini") &&
        !absl::EndsWith(path, ".cfg")) {
      return std::nullopt;
    }
    const std::optional<std::string> text = files_.read(path);
    if (!text) {
      return absl::InvalidArgumentError(absl::StrCat(
          path, ":1: cannot be read\nhelp: check its permissions"));
    }
    if (!is_toml) return LoadIni(path, *text);
    DIST_ASSIGN_OR_RETURN(
        const auto table,
        ReadTomlTable(*text, path, {"tool", "pytest", "ini_options"}));
    if (!table) return std::nullopt;
    return ValuesOf(*table, path);
  }

  absl::Status UseGivenIniFile() {
    const std::string path = Absolute(*query_.inifile);
    if (files_.kind(path) != Kind::kFile) {
      return absl::NotFoundError(absl::StrCat(
          "-c: there is no file '", Printable(path), "'\nhelp: name an ini ",
          "file, relative to ", Printable(files_.cwd)));
    }
    DIST_ASSIGN_OR_RETURN(auto values, Load(path));
    project_.inifile = path;
    project_.rootdir = ParentOf(path);
    values_ = std::move(values).value_or(IniValues());
    return absl::OkStatus();
  }

  // locate_config: the first file that configures pytest, from each of
  // `starts` upwards. Sets the project and returns true if there is one.
  absl::StatusOr<bool> Locate(const Strings& starts) {
    for (const std::string& start : starts) {
      for (const std::string& directory : Upwards(start)) {
        for (const char* name : {"pytest.ini", ".pytest.ini", "pyproject.toml",
                                 "tox.ini", "setup.cfg"}) {
          const std::string path = Join(directory, name);
          if (files_.kind(path) != Kind::kFile) continue;
          DIST_ASSIGN_OR_RETURN(auto values, Load(path));
          if (!values) continue;
          project_.rootdir = directory;
          project_.inifile = path;
          values_ = *std::move(values);
          return true;
        }
      }
    }
    return false;
  }

  absl::Status Search(const Strings& directories) {
    std::string ancestor = directories.empty() ? files_.cwd : directories[0];
    for (const std::string& directory : directories) {
      ancestor = CommonAncestor(ancestor, directory);
    }
    DIST_ASSIGN_OR_RETURN(bool found, Locate({ancestor}));
    // With --rootdir pytest looks no further for an ini file.
    if (found || query_.rootdir) return absl::OkStatus();
    for (const std::string& directory : Upwards(ancestor)) {
      if (files_.kind(Join(directory, "setup.py")) == Kind::kFile) {
        project_.rootdir = directory;
        return absl::OkStatus();
      }
    }
    if (directories != Strings{ancestor}) {
      const Strings starts =
          directories.empty() ? Strings{files_.cwd} : directories;
      DIST_ASSIGN_OR_RETURN(found, Locate(starts));
      if (found) return absl::OkStatus();
    }
    project_.rootdir = CommonAncestor(files_.cwd, ancestor);
    if (project_.rootdir == "/") project_.rootdir = ancestor;
    return absl::OkStatus();
  }

  absl::Status UseGivenRootDir() {
    project_.rootdir = Absolute(ExpandVariables(*query_.rootdir));
    if (files_.kind(project_.rootdir) == Kind::kDirectory) {
      return absl::OkStatus();
    }
    return absl::NotFoundError(absl::StrCat(
        "--rootdir: there is no directory '", Printable(project_.rootdir),
        "'\nhelp: name one, relative to ", Printable(files_.cwd)));
  }

  // os.path.expandvars: $NAME and ${NAME}; unknown ones stay.
  std::string ExpandVariables(absl::string_view text) const {
    std::string out;
    while (!text.empty()) {
      const size_t size = VariableSize(text);
      if (size == 0) {
        out.push_back(text[0]);
        text.remove_prefix(1);
        continue;
      }
      const bool braced = text[1] == '{';
      const std::string name(braced ? text.substr(2, size - 3)
                                    : text.substr(1, size - 1));
      const auto value =
          files_.env ? files_.env(name) : std::optional<std::string>();
      absl::StrAppend(&out, value ? *value : std::string(text.substr(0, size)));
      text.remove_prefix(size);
    }
    return out;
  }

  // Size of the "$NAME" or "${NAME}" that `text` begins with; 0 for none.
  static size_t VariableSize(absl::string_view text) {
    if (text.size() < 2 || text[0] != '$') return 0;
    if (text[1] == '{') {
      const size_t close = text.find('}');
      return close == absl::string_view::npos ? 0 : close + 1;
    }
    const size_t end = text.find_first_not_of(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", 1);
    const size_t size = end == absl::string_view::npos ? text.size() : end;
    return size == 1 ? 0 : size;
  }

  const ProjectQuery& query_;
  const FileView& files_;
  Project project_;
  IniValues values_;
};

// The types "args" and "paths" of pytest's ini: words of a shell, or a list.
absl::StatusOr<Strings> WordsOf(const IniValues& values,
                                const std::string& name) {
  const auto found = values.find(name);
  if (found == values.end()) return Strings();
  const IniValue& value = found->second;
  if (value.is_list) return value.values;
  absl::StatusOr<Strings> words =
      SplitShellWords(absl::StrJoin(value.values, " "));
  if (words.ok()) return words;
  return absl::InvalidArgumentError(
      absl::StrCat(value.where, ": ", name, ": ", words.status().message(),
                   "\nhelp: quote as in a shell"));
}

}  // namespace

absl::StatusOr<Project> FindProject(const ProjectQuery& query,
                                    const FileView& files) {
  Finder finder(query, files);
  DIST_ASSIGN_OR_RETURN(Project project, finder.Find());
  const IniValues values = finder.TakeValues();
  DIST_ASSIGN_OR_RETURN(project.addopts, WordsOf(values, "addopts"));
  DIST_ASSIGN_OR_RETURN(project.rsyncdirs, WordsOf(values, "rsyncdirs"));
  DIST_ASSIGN_OR_RETURN(project.rsyncignore, WordsOf(values, "rsyncignore"));
  if (!project.inifile) return project;
  const std::string base = ParentOf(*project.inifile);
  for (std::string& path : project.rsyncdirs) path = AbsolutePath(path, base);
  for (std::string& pattern : project.rsyncignore) {
    if (absl::StrContains(pattern, "/")) pattern = AbsolutePath(pattern, base);
  }
  return project;
}

std::string AbsolutePath(absl::string_view path, absl::string_view base) {
  const std::string whole = absl::StartsWith(path, "/")
                                ? std::string(path)
                                : absl::StrCat(base, "/", path);
  std::vector<absl::string_view> parts;
  for (const absl::string_view part : absl::StrSplit(whole, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (!parts.empty()) {
      parts.pop_back();
    }
  }
  return absl::StrCat("/", absl::StrJoin(parts, "/"));
}

}  // namespace dist
