#include "core/config/project.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "absl/strings/match.h"

namespace dist {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Files = std::map<std::string, std::string>;
using Kind = FileView::Kind;

// A file system in memory: directories are what is above the files; a path
// that ends with "/" makes an empty directory.
FileView ViewOf(const Files& files, const std::string& cwd) {
  FileView view;
  view.cwd = cwd;
  view.kind = [files, cwd](const std::string& path) {
    if (files.count(path) > 0) return Kind::kFile;
    const std::string below = path == "/" ? "/" : path + "/";
    if (absl::StartsWith(cwd + "/", below)) return Kind::kDirectory;
    const auto next = files.lower_bound(below);
    const bool any =
        next != files.end() && absl::StartsWith(next->first, below);
    return any ? Kind::kDirectory : Kind::kNone;
  };
  view.read = [files](const std::string& path) -> std::optional<std::string> {
    const auto file = files.find(path);
    if (file == files.end() || file->second == "unreadable") return {};
    return file->second;
  };
  view.env = [](const std::string& name) -> std::optional<std::string> {
    if (name == "HOME") return "/home/me";
    return {};
  };
  return view;
}

constexpr char kPyproject[] = "[tool.pytest.ini_options]\n";

// pytest 7.2.1's determine_setup, given the same trees, returned these values.
TEST(FindProjectTest, FindsRootAndIniFileAsPytest) {
  struct Row {
    const char* why;
    Files files;
    const char* cwd;
    std::vector<std::string> args;
    const char* rootdir;
    std::optional<std::string> inifile;
  };
  for (const Row& row : {
           Row{"nothing at all: where we are", {}, "/p", {}, "/p", {}},
           Row{"an empty pytest.ini",
               {{"/p/pytest.ini", ""}},
               "/p/sub",
               {},
               "/p",
               "/p/pytest.ini"},
           Row{"an empty .pytest.ini does not count",
               {{"/p/.pytest.ini", ""}},
               "/p/sub",
               {},
               "/p/sub",
               {}},
           Row{"a .pytest.ini with its section does",
               {{"/p/.pytest.ini", "[pytest]\n"}},
               "/p/sub",
               {},
               "/p",
               "/p/.pytest.ini"},
           Row{"pytest.ini wins over the others",
               {{"/p/pytest.ini", ""},
                {"/p/pyproject.toml", kPyproject},
                {"/p/tox.ini", "[pytest]\n"}},
               "/p",
               {},
               "/p",
               "/p/pytest.ini"},
           Row{"pyproject.toml wins over tox.ini",
               {{"/p/pyproject.toml", kPyproject},
                {"/p/tox.ini", "[pytest]\n"}},
               "/p",
               {},
               "/p",
               "/p/pyproject.toml"},
           Row{"a pyproject.toml of others does not count",
               {{"/p/pyproject.toml", "[tool.black]\n"},
                {"/p/tox.ini", "[pytest]\n"}},
               "/p",
               {},
               "/p",
               "/p/tox.ini"},
           Row{"a tox.ini of others does not count",
               {{"/p/tox.ini", "[tox]\n"}, {"/p/setup.cfg", "[tool:pytest]\n"}},
               "/p",
               {},
               "/p",
               "/p/setup.cfg"},
           Row{"the nearest upwards",
               {{"/p/pytest.ini", ""}, {"/p/a/tox.ini", "[pytest]\n"}},
               "/p/a/b",
               {},
               "/p/a",
               "/p/a/tox.ini"},
           Row{"upwards from the argument, not from here",
               {{"/p/pytest.ini", ""},
                {"/q/pytest.ini", ""},
                {"/q/t/test_x.py", ""}},
               "/p",
               {"/q/t/test_x.py::test_a"},
               "/q",
               "/q/pytest.ini"},
           Row{"upwards from the common ancestor",
               {{"/p/a/pytest.ini", ""},
                {"/p/a/t.py", ""},
                {"/p/b/t.py", ""},
                {"/p/tox.ini", "[pytest]\n"}},
               "/p",
               {"a/t.py", "b"},
               "/p",
               "/p/tox.ini"},
           Row{"setup.py, if there is no ini file",
               {{"/p/setup.py", ""}, {"/p/a/t.py", ""}},
               "/p/a",
               {"t.py"},
               "/p",
               {}},
           Row{"an ini file higher up wins over setup.py",
               {{"/p/pytest.ini", ""}, {"/p/a/setup.py", ""}},
               "/p/a",
               {},
               "/p",
               "/p/pytest.ini"},
           Row{"the first argument's, if the ancestor has none",
               {{"/p/a/pytest.ini", ""}, {"/p/a/t.py", ""}, {"/p/b/t.py", ""}},
               "/p",
               {"b/t.py", "a/t.py"},
               "/p/a",
               "/p/a/pytest.ini"},
           Row{"the ancestor of here and the argument",
               {{"/p/x/t.py", ""}},
               "/p/y",
               {"../x/t.py"},
               "/p",
               {}},
           Row{"but not the file system's root",
               {{"/q/t.py", ""}},
               "/p",
               {"/q/t.py"},
               "/q",
               {}},
           Row{"arguments that do not exist do not count",
               {{"/p/pytest.ini", ""}},
               "/p",
               {"/q/nothing.py"},
               "/p",
               "/p/pytest.ini"},
           Row{"options do not count",
               {{"/p/pytest.ini", ""}},
               "/p",
               {"-x"},
               "/p",
               "/p/pytest.ini"},
       }) {
    ProjectQuery query;
    query.args = row.args;
    const auto project = FindProject(query, ViewOf(row.files, row.cwd));
    ASSERT_TRUE(project.ok()) << row.why << ": " << project.status();
    EXPECT_EQ(project->rootdir, row.rootdir) << row.why;
    EXPECT_EQ(project->inifile, row.inifile) << row.why;
  }
}

TEST(FindProjectTest, ObeysTheCommandLine) {
  const Files files = {{"/p/pytest.ini", "[pytest]\naddopts = -v\n"},
                       {"/p/a/my.ini", "[pytest]\naddopts = -q\n"},
                       {"/p/a/my.conf", "anything"},
                       {"/home/me/r/x", ""}};
  struct Row {
    const char* why;
    std::optional<std::string> inifile;
    std::optional<std::string> rootdir;
    const char* want_rootdir;
    const char* want_inifile;
    std::vector<std::string> addopts;
  };
  for (const Row& row : {
           Row{"-c is the root as well",
               "a/my.ini",
               {},
               "/p/a",
               "/p/a/my.ini",
               {"-q"}},
           Row{"-c of another kind says nothing",
               "a/my.conf",
               {},
               "/p/a",
               "/p/a/my.conf",
               {}},
           Row{"--rootdir leaves the ini file",
               {},
               "a",
               "/p/a",
               "/p/pytest.ini",
               {"-v"}},
           Row{"both", "a/my.ini", "..", "/", "/p/a/my.ini", {"-q"}},
           Row{"variables",
               {},
               "$HOME/r",
               "/home/me/r",
               "/p/pytest.ini",
               {"-v"}},
           Row{"variables in braces",
               {},
               "${HOME}/r",
               "/home/me/r",
               "/p/pytest.ini",
               {"-v"}},
       }) {
    const auto project =
        FindProject({{}, row.inifile, row.rootdir}, ViewOf(files, "/p"));
    ASSERT_TRUE(project.ok()) << row.why << ": " << project.status();
    EXPECT_EQ(project->rootdir, row.want_rootdir) << row.why;
    EXPECT_EQ(project->inifile, row.want_inifile) << row.why;
    EXPECT_EQ(project->addopts, row.addopts) << row.why;
  }
}

TEST(FindProjectTest, ReadsTheSettings) {
  const auto project = FindProject(
      {}, ViewOf({{"/p/pytest.ini",
                   "[pytest]\naddopts = -n 2\n  -k 'not slow'\n"
                   "rsyncdirs = . ../lib /abs\nrsyncignore = *.log docs/x\n"}},
                 "/p/sub"));
  ASSERT_TRUE(project.ok()) << project.status();
  EXPECT_THAT(project->addopts, ElementsAre("-n", "2", "-k", "not slow"));
  EXPECT_THAT(project->rsyncdirs, ElementsAre("/p", "/lib", "/abs"));
  EXPECT_THAT(project->rsyncignore, ElementsAre("*.log", "/p/docs/x"));
}

TEST(FindProjectTest, ReadsListsOfToml) {
  const auto project = FindProject(
      {}, ViewOf({{"/p/pyproject.toml",
                   "[tool.pytest.ini_options]\naddopts = ['-k', 'a b']\n"
                   "rsyncdirs = 'x y'\n"}},
                 "/p"));
  ASSERT_TRUE(project.ok()) << project.status();
  EXPECT_THAT(project->addopts, ElementsAre("-k", "a b"));
  EXPECT_THAT(project->rsyncdirs, ElementsAre("/p/x", "/p/y"));
}

TEST(FindProjectTest, ReportsBrokenFiles) {
  struct Row {
    const char* why;
    Files files;
    ProjectQuery query;
    const char* cause;
  };
  for (const Row& row : {
           Row{"an ini file",
               {{"/p/pytest.ini", "[s]\nabc"}},
               {},
               "/p/pytest.ini:2: unexpected line 'abc'"},
           Row{"a TOML file",
               {{"/p/pyproject.toml", "a = 1\nb ="}},
               {},
               "/p/pyproject.toml:2: "},
           Row{"[pytest] in setup.cfg",
               {{"/p/setup.cfg", "\n[pytest]"}},
               {},
               "/p/setup.cfg:2: pytest does not read [pytest]"},
           Row{"an open quotation",
               {{"/p/tox.ini", "[pytest]\naddopts = 'a"}},
               {},
               "/p/tox.ini:2: addopts: no closing '"},
           Row{"no permission",
               {{"/p/pytest.ini", "unreadable"}},
               {},
               "/p/pytest.ini:1: cannot be read"},
           Row{"-c of nothing",
               {},
               {{}, "x.ini", {}},
               "-c: there is no file '/p/x.ini'"},
           Row{"--rootdir of nothing",
               {},
               {{}, {}, "x"},
               "--rootdir: there is no directory '/p/x'"},
       }) {
    const auto project = FindProject(row.query, ViewOf(row.files, "/p"));
    ASSERT_FALSE(project.ok()) << row.why;
    const std::string message(project.status().message());
    EXPECT_THAT(message.substr(0, message.find('\n')), HasSubstr(row.cause))
        << row.why;
    EXPECT_THAT(message, HasSubstr("\nhelp: ")) << row.why;
  }
}

TEST(AbsolutePathTest, NormalisesAsPythonsAbspath) {
  struct Row {
    const char* why;
    const char* path;
    const char* absolute;
  };
  for (const Row& row : {
           Row{"relative", "a/b", "/base/a/b"},
           Row{"absolute", "/a", "/a"},
           Row{"nothing", "", "/base"},
           Row{"dots", "./a/../b/.", "/base/b"},
           Row{"above the root", "../../..", "/"},
           Row{"slashes", "/a//b/", "/a/b"},
       }) {
    EXPECT_EQ(AbsolutePath(row.path, "/base"), row.absolute) << row.why;
  }
}

}  // namespace
}  // namespace dist
