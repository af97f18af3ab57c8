#include "cli/sync_layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/sync_plan.h"
#include "tests/cli/sync_testing.h"

namespace dist {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

class SyncLayoutTest : public SyncTest {
 protected:
  SyncLayoutTest() {
    setenv("HOME", folder_.Path("home").c_str(), 1);
    folder_.Write("home/a", "");
    folder_.Write("proj/pkg/test_it.py", "");
  }

  void Link(const std::string& target, const std::string& name) {
    EXPECT_EQ(symlink(target.c_str(), folder_.Path(name).c_str()), 0);
  }

  // What a dry run prints, or why there is none.
  static std::string DryRun(Strings args) {
    args.insert(args.begin(), "--dry-run");
    const auto told = RunSyncVerb(args);
    return told.ok() ? *told : std::string(told.status().message());
  }

  // The paths of a dry run.
  static Strings Listed(const Strings& args) {
    Strings lines = absl::StrSplit(DryRun(args), '\n', absl::SkipEmpty());
    while (!lines.empty() &&
           !absl::StrContains(lines.back(), " bytes, from ")) {
      lines.pop_back();
    }
    if (!lines.empty()) lines.pop_back();
    return lines;
  }

  // What tests would be given, or why not.
  Strings ArgsOf(const Strings& args) {
    const Request request = Read(args);
    const auto layout = LayOutSync(request);
    if (!layout.ok()) return {std::string(layout.status().message())};
    const auto there = ArgsInTree(*layout, request.options);
    if (!there.ok()) return {std::string(there.status().message())};
    return *there;
  }
};

TEST_F(SyncLayoutTest, HiddenFilesThatToolsReadComeAlong) {
  folder_.Write("proj/.pytest.ini", "[pytest]\n");
  folder_.Write("proj/.coveragerc", "[run]\nbranch = True\n");
  folder_.Write("proj/.env", "");
  folder_.Write("proj/pkg/.coveragerc", "");
  const Strings own = {".coveragerc", ".pytest.ini", "pkg/", "pkg/test_it.py",
                       "pytest.ini"};
  EXPECT_EQ(Listed({}), own);
  EXPECT_EQ(Listed({"--rsyncdir=."}), own);
  EXPECT_EQ(Listed({"--rsyncdir=pkg/test_it.py"}),
            (Strings{".coveragerc", ".pytest.ini", "pkg/", "pkg/.coveragerc",
                     "pkg/test_it.py", "pytest.ini"}));
  EXPECT_THAT(DryRun({"--explain=.coveragerc"}),
              HasSubstr("synced: .coveragerc\n  it comes along"));
}

TEST_F(SyncLayoutTest, TheIniFileIsSyncedWhereverItIs) {
  folder_.Write("proj/.ci/ci.ini", "[pytest]\n");
  folder_.Write("conf/ci.ini", "[pytest]\n");
  EXPECT_THAT(Listed({"-c", ".ci/ci.ini", "--rootdir=.", "--rsyncdir=pkg"}),
              Contains(".ci/ci.ini"));
  EXPECT_THAT(Listed({"-c", "../conf/ci.ini", "--rootdir=.", "--rsyncdir=pkg"}),
              AllOf(Contains("conf/ci.ini"), Contains("proj/pkg/test_it.py")));
}

TEST_F(SyncLayoutTest, LinksThatLeadToWhatIsSyncedAreSynced) {
  folder_.Write("lib/x/__init__.py", "");
  Link("../lib", "proj/lib");
  Link(folder_.Path("lib/x"), "proj/x");
  Link("x", "proj/y");
  EXPECT_THAT(
      Listed({"--rsyncdir=lib/x", "--rsyncdir=pkg"}),
      AllOf(Contains("proj/lib -> ../lib"), Contains("lib/x/__init__.py")));
  EXPECT_THAT(Listed({"--rsyncdir=y"}),
              AllOf(Contains("proj/y -> x"), Contains("proj/x -> ../lib/x"),
                    Contains("lib/x/__init__.py")));
}

// As where a home is a link to another disk.
TEST_F(SyncLayoutTest, LinksByTheNameThatTheUserSeesLeadIntoTheTree) {
  Link("proj", "seen");
  Link(folder_.Path("seen/pytest.ini"), "proj/pkg/ini");
  Link(folder_.Path("seen"), "proj/top");
  Enter("seen/pkg");
  setenv("PWD", folder_.Path("seen/pkg").c_str(), 1);
  EXPECT_THAT(Listed({}), AllOf(Contains("pkg/ini -> ../pytest.ini"),
                                Contains("top -> .")));
  EXPECT_THAT(DryRun({}), Not(HasSubstr("warning")));
  setenv("PWD", folder_.Path("home").c_str(), 1);  // Not where we are.
  EXPECT_THAT(DryRun({}), HasSubstr("warning"));
  unsetenv("PWD");
}

TEST_F(SyncLayoutTest, WhatIsReadThroughLinksComesAlong) {
  folder_.Write("proj/shared/conf.py", "");
  Link("shared/conf.py", "proj/conftest.py");
  EXPECT_THAT(Listed({"--rsyncdir=pkg"}),
              AllOf(Contains("conftest.py -> shared/conf.py"),
                    Contains("shared/conf.py")));
}

TEST_F(SyncLayoutTest, APackageKeepsItsName) {
  folder_.Write("proj/__init__.py", "");
  EXPECT_EQ(Listed({}), (Strings{"proj/", "proj/__init__.py", "proj/pkg/",
                                 "proj/pkg/test_it.py", "proj/pytest.ini"}));
  folder_.Write("__init__.py", "");
  Enter("proj/pkg");
  const Strings listed = Listed({"--rsyncdir=."});
  const std::string top =
      folder_.path().substr(folder_.path().rfind('/') + 1) + "/";
  EXPECT_THAT(listed, AllOf(Contains(top + "__init__.py"),
                            Contains(top + "proj/__init__.py"),
                            Contains(top + "proj/pytest.ini")));
}

TEST_F(SyncLayoutTest, AFolderOfThisMachineIsNotSyncedOntoItself) {
  const auto why = [&](const std::string& tx, const std::string& dir) {
    return ArgsOf({"--tx=" + tx, "--rsyncdir=" + dir}).front();
  };
  Link("proj", "link");
  for (const std::string& folder :
       {std::string("."), folder_.Path("proj"), folder_.Path("link")}) {
    EXPECT_THAT(why("popen//chdir=" + folder, "."),
                AllOf(HasSubstr("is itself what is synced\nhelp: "),
                      HasSubstr(folder_.Path("proj"))));
  }
  EXPECT_THAT(why("popen//chdir=pkg", "pkg"), HasSubstr("is itself"));
  // Elsewhere that is another folder.
  EXPECT_THAT(why("exec=sh//chdir=.", "."), Not(HasSubstr("is itself")));
}

TEST_F(SyncLayoutTest, WhatDistWritesIsNotSynced) {
  folder_.Write("proj/out/a/pkg/test_it.py", "");
  folder_.Write("proj/out/b", "");
  const Strings all = Listed({"--rsyncdir=."});
  EXPECT_THAT(all, Contains("out/a/pkg/test_it.py"));
  const Strings args = {"--tx=popen//chdir=out/a", "--rsyncdir=."};
  EXPECT_THAT(Listed(args), AllOf(Contains("out/b"), Not(Contains("out/a/"))));
  EXPECT_THAT(DryRun({"--tx=popen//chdir=out/a", "--rsyncdir=.",
                      "--explain=out/a/pkg/test_it.py"}),
              HasSubstr("dist itself writes there"));
  setenv("XDG_CACHE_HOME", folder_.Path("proj/cache").c_str(), 1);
  EXPECT_EQ(Listed({}), Listed({}));
  EXPECT_THAT(Listed({}), Not(Contains("cache/dist/")));
}

TEST_F(SyncLayoutTest, AHomeIsNoProjectUnlessItSaysSo) {
  Enter("home");
  EXPECT_THAT(DryRun({}), HasSubstr("would be synced: neither git nor an ini "
                                    "file says that it is a project"));
  EXPECT_THAT(Listed({"--rsyncdir=a"}), ElementsAre("a"));
  folder_.Write("home/pytest.ini", "[pytest]\n");
  EXPECT_THAT(Listed({}), UnorderedElementsAre("a", "pytest.ini"));
}

TEST_F(SyncLayoutTest, TestsThatAreIgnoredAreNamedWithTheRule) {
  folder_.Write("proj/.hidden/test_h.py", "");
  folder_.Write("proj/pkg/test_big.py", "");
  EXPECT_THAT(ArgsOf({".hidden/test_h.py"}).front(),
              HasSubstr(".hidden/test_h.py is not in what is synced: .* "
                        "(always ignored)\nhelp: add --rsyncdir"));
  EXPECT_THAT(
      ArgsOf({"--rsyncignore=*big*", "pkg/test_big.py::test_a"}).front(),
      HasSubstr("pkg/test_big.py is not in what is synced: --rsyncignore"));
  EXPECT_EQ(ArgsOf({"--rsyncdir=.hidden", ".hidden/test_h.py"}).back(),
            ".hidden/test_h.py");
}

TEST_F(SyncLayoutTest, TestsOutsideAreNamed) {
  folder_.Write("lib/test_x.py", "");
  EXPECT_THAT(ArgsOf({"--rootdir=.", "../lib/test_x.py"}).front(),
              HasSubstr("it is not in the project (" + folder_.Path("proj")));
  EXPECT_THAT(ArgsOf({"--rootdir=.", "--rsyncdir=pkg", "../lib"}).front(),
              HasSubstr("../lib is not in what is synced: it is in no "
                        "--rsyncdir\nhelp: add --rsyncdir ../lib"));
  EXPECT_EQ(ArgsOf({"--rootdir=.", "--rsyncdir=../lib", "../lib"}).back(),
            "../lib");
}

TEST_F(SyncLayoutTest, TestsBehindLinksKeepTheirNames) {
  Link("pkg", "proj/link");
  EXPECT_EQ(ArgsOf({"link/test_it.py"}).back(), "link/test_it.py");
  EXPECT_EQ(ArgsOf({"--rsyncdir=pkg", "link/test_it.py"}).back(),
            "pkg/test_it.py");
  EXPECT_EQ(ArgsOf({"--rsyncdir=link", "link/test_it.py"}).back(),
            "link/test_it.py");
  Link(folder_.Path("proj"), "elsewhere");
  EXPECT_EQ(ArgsOf({folder_.Path("elsewhere/pkg")}).back(), "pkg");
  EXPECT_THAT(DryRun({"--explain", folder_.Path("elsewhere/pkg/test_it.py")}),
              HasSubstr("\n  it is below " + folder_.Path("proj")));
}

TEST_F(SyncLayoutTest, WhatIsNoFileIsExplained) {
  EXPECT_EQ(mkfifo(folder_.Path("proj/pipe").c_str(), 0600), 0);
  EXPECT_THAT(DryRun({"--explain=pipe"}), HasSubstr("not synced: pipe\n"));
}

}  // namespace
}  // namespace dist
