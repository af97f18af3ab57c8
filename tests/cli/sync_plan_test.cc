#include "cli/sync_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/cli/sync_testing.h"

namespace dist {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

class SyncPlanTest : public SyncTest {
 protected:
  SyncPlanTest() {
    folder_.Write("proj/conftest.py", "");
    folder_.Write("proj/pkg/conftest.py", "");
    folder_.Write("proj/pkg/tests/test_it.py", "");
    folder_.Write("lib/x.py", "");
  }

  SyncLayout LayOut(const Strings& args) {
    auto layout = LayOutSync(Read(args));
    EXPECT_TRUE(layout.ok()) << layout.status();
    return *layout;
  }

  static Strings RootsOf(const SyncLayout& layout) {
    Strings roots;
    for (const SyncRoot& root : layout.request.roots) {
      roots.push_back(root.path);
    }
    return roots;
  }
};

TEST_F(SyncPlanTest, PathsAreSeenFromAFolder) {
  EXPECT_EQ(RelativePath("/a/b", "/a/b"), ".");
  EXPECT_EQ(RelativePath("/a/b", "/a/b/c/d"), "c/d");
  EXPECT_EQ(RelativePath("/a/b", "/a/c"), "../c");
  EXPECT_EQ(RelativePath("/a/b", "/ab"), "../../ab");
  EXPECT_EQ(RelativePath("/a", "/"), "..");
  EXPECT_EQ(RelativePath("/", "/a"), "a");
}

TEST_F(SyncPlanTest, OnlyWhatIsNotHereIsSynced) {
  const auto wants = [&](const Strings& args) {
    const Request request = Read(args);
    return WantsSync(request.options, request.options.tx.back());
  };
  EXPECT_FALSE(wants({"-n2"}));
  EXPECT_FALSE(wants({"-n2", "--rsyncdir=."}));
  EXPECT_FALSE(wants({"--tx=popen//chdir=x"}));
  EXPECT_TRUE(wants({"--tx=popen//chdir=x", "--rsyncdir=."}));
  EXPECT_FALSE(wants({"--tx=popen//chdir=x", "--rsyncdir=.", "--no-sync"}));
  EXPECT_TRUE(wants({"--tx=ssh=h"}));
  EXPECT_FALSE(wants({"--tx=ssh=h", "--no-sync"}));
  EXPECT_FALSE(wants({"--tx=ssh=h//chdir=x"}));
}

TEST_F(SyncPlanTest, WithoutFoldersTheProjectIsSynced) {
  Enter("proj/pkg");
  const SyncLayout layout = LayOut({});
  EXPECT_EQ(layout.base, folder_.Path("proj"));
  EXPECT_EQ(layout.cwd, folder_.Path("proj/pkg"));
  EXPECT_THAT(RootsOf(layout), ElementsAre(""));
}

TEST_F(SyncPlanTest, AFolderBringsTheIniFilesAboveIt) {
  const SyncLayout layout = LayOut({"--rsyncdir=pkg/tests"});
  EXPECT_THAT(RootsOf(layout),
              UnorderedElementsAre("pkg/tests", "pkg/conftest.py",
                                   "conftest.py", "pytest.ini"));
}

TEST_F(SyncPlanTest, FoldersOutsideKeepTheirPlace) {
  const SyncLayout layout = LayOut({"--rsyncdir=.", "--rsyncdir=../lib"});
  EXPECT_EQ(layout.base, folder_.path());
  EXPECT_THAT(RootsOf(layout), ElementsAre("proj", "lib"));
}

TEST_F(SyncPlanTest, AFolderThatDoesNotExistIsAnError) {
  const auto layout = LayOutSync(Read({"--rsyncdir=nowhere"}));
  EXPECT_THAT(std::string(layout.status().message()),
              HasSubstr("--rsyncdir nowhere: no such file or directory"));
}

TEST_F(SyncPlanTest, ArgumentsMeanTheSameThere) {
  Enter("proj/pkg");
  const Request request =
      Read({"--rsyncdir=..", "-c", "../pytest.ini", "--rootdir=..", "-k", "x",
            "tests/test_it.py::test[a::b]", folder_.Path("proj/pkg/tests")});
  const auto layout = LayOutSync(request);
  ASSERT_TRUE(layout.ok()) << layout.status();
  const auto args = ArgsInTree(*layout, request.options);
  ASSERT_TRUE(args.ok()) << args.status();
  EXPECT_THAT(*args, Contains("--rootdir=.."));
  EXPECT_THAT(*args, Contains("../pytest.ini"));
  EXPECT_THAT(*args, Contains("tests/test_it.py::test[a::b]"));
  EXPECT_EQ(args->back(), "tests");
}

TEST_F(SyncPlanTest, OptionsMeanTheSameThoughTheUserIsOutside) {
  Enter("lib");
  const Request request =
      Read({"--rsyncdir=../proj", "--ignore=../proj/pkg/old",
            "--confcutdir=../proj", "-k", "x", "../proj/pkg/tests"});
  const auto layout = LayOutSync(request);
  ASSERT_TRUE(layout.ok()) << layout.status();
  EXPECT_EQ(layout->cwd, folder_.Path("proj"));
  const auto args = ArgsInTree(*layout, request.options);
  ASSERT_TRUE(args.ok()) << args.status();
  EXPECT_THAT(*args, Contains("--ignore=" + folder_.Path("proj/pkg/old")));
  EXPECT_THAT(*args, Contains("--confcutdir=" + folder_.Path("proj")));
}

TEST_F(SyncPlanTest, PathsThatAreNotSyncedAreRefused) {
  const Request request = Read({"--rsyncdir=../lib", "pkg/tests"});
  const auto layout = LayOutSync(request);
  ASSERT_TRUE(layout.ok()) << layout.status();
  const auto args = ArgsInTree(*layout, request.options);
  EXPECT_THAT(std::string(args.status().message()),
              HasSubstr("pkg/tests is not in what is synced: it is in no "
                        "--rsyncdir\nhelp: add --rsyncdir pkg/tests"));
}

TEST_F(SyncPlanTest, ExplainsWhichRuleDecided) {
  folder_.Write("proj/big.log", "");
  const auto told =
      RunSyncVerb({"--dry-run", "--rsyncdir=.", "--rsyncignore=*.log",
                   "--explain", "big.log", "--explain=pkg/tests/test_it.py",
                   "--explain", "../lib/x.py", "--explain", "nowhere"});
  ASSERT_TRUE(told.ok()) << told.status();
  EXPECT_THAT(*told, HasSubstr("not synced: big.log\n  --rsyncignore *.log"));
  EXPECT_THAT(*told,
              HasSubstr("\nsynced: pkg/tests/test_it.py\n  it is below"));
  EXPECT_THAT(*told, HasSubstr("not synced: ../lib/x.py\n  it is in no"));
  EXPECT_THAT(*told, HasSubstr("not synced: nowhere\n  it does not exist"));
}

TEST_F(SyncPlanTest, SettingsCountWhereTheirFileIs) {
  folder_.Write("proj/dist.toml",
                "rsyncdirs = [\"pkg/tests\"]\nrsyncignore = [\"*.log\"]\n");
  folder_.Write("proj/pkg/tests/big.log", "");
  Enter("proj/pkg");
  EXPECT_THAT(RootsOf(LayOut({})), Contains("pkg/tests"));
  EXPECT_THAT(*RunSyncVerb({"--dry-run"}), Not(HasSubstr("big.log")));
  folder_.Write("proj/dist.toml", "rsyncdir = \"pkg/tests\"\n");
  EXPECT_THAT(RootsOf(LayOut({})), Contains("pkg/tests"));
  EXPECT_THAT(RootsOf(LayOut({"--rsyncdir=."})), Contains("pkg"));
}

TEST_F(SyncPlanTest, WhatIsFetchedMayBeNamedFromWhereTheUserIs) {
  Enter("proj/pkg");
  const SyncLayout layout = LayOut({"--rsyncdir=../../lib", "--rsyncdir=.."});
  const auto globs = [&](const std::string& written) {
    return FetchGlobs(layout, {written});
  };
  EXPECT_THAT(globs("*.log"), ElementsAre("*.log"));
  EXPECT_THAT(globs("./out/*.log"),
              UnorderedElementsAre("out/*.log", "proj/out/*.log",
                                   "proj/pkg/out/*.log"));
  EXPECT_THAT(globs("out/"),
              UnorderedElementsAre("out", "out/**", "**/out/**", "proj/out/**",
                                   "proj/pkg/out/**"));
  EXPECT_THAT(globs(folder_.Path("proj/out/")),
              UnorderedElementsAre("proj/out", "proj/out/**"));
}

TEST_F(SyncPlanTest, ALineSaysWhatIsSynced) {
  const SyncLayout layout = LayOut({"--rsyncdir=pkg", "--rsyncdir=../lib"});
  std::vector<std::string> warnings;
  const auto plan = TakeSnapshot(layout, &warnings);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(Describe(layout, *plan),
            absl::StrCat("syncs 5 files, 9 bytes, of ", folder_.path(),
                         ": proj/pkg, lib"));
}

TEST_F(SyncPlanTest, ADryRunListsWhatIsSent) {
  const auto told = RunSyncVerb({"--dry-run", "--rsyncdir=pkg"});
  ASSERT_TRUE(told.ok()) << told.status();
  EXPECT_EQ(*told, absl::StrCat("conftest.py\npkg/\npkg/conftest.py\n"
                                "pkg/tests/\npkg/tests/test_it.py\n"
                                "pytest.ini\n4 files, 9 bytes, from ",
                                folder_.Path("proj"), "\n"));
  EXPECT_FALSE(RunSyncVerb({}).ok());
}

}  // namespace
}  // namespace dist
