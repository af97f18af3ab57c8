#include "cli/git_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/cli/temp_folder.h"

namespace dist {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class GitListTest : public ::testing::Test {
 protected:
  GitListTest() { Git("proj", "init -q"); }
  ~GitListTest() override {
    unsetenv("GIT_DIR");
    unsetenv("GIT_INDEX_FILE");
  }

  void Git(const std::string& folder, const std::string& words) {
    folder_.Write(folder + "/.keep", "");
    const std::string command = absl::StrCat(
        "cd '", folder_.Path(folder), "' && rm .keep && HOME=. git -c ",
        "user.name=a -c user.email=a@b -c protocol.file.allow=always ", words);
    ASSERT_EQ(system(command.c_str()), 0) << command;
  }

  GitFiles List(const std::string& folder) {
    return GitList(folder_.Path(folder));
  }

  TempFolder folder_;
};

TEST_F(GitListTest, WhatIsTrackedOrNotIgnored) {
  folder_.Write("proj/.gitignore", "*.log\n");
  folder_.Write("proj/kept.log", "");
  folder_.Write("proj/a.log", "");
  folder_.Write("proj/odd\n\tname \xff", "");
  folder_.Write("proj/sub/b", "");
  Git("proj", "add -f kept.log sub");
  EXPECT_THAT(*List("proj").paths,
              UnorderedElementsAre(".gitignore", "kept.log", "odd\n\tname \xff",
                                   "sub/b"));
  EXPECT_THAT(*List("proj/sub").paths, UnorderedElementsAre("b"));
}

TEST_F(GitListTest, RepositoriesInItHaveTheirOwnRules) {
  folder_.Write("lib/.gitignore", "*.log\n");
  folder_.Write("lib/a.py", "");
  Git("lib", "init -q");
  Git("lib", "add -A");
  Git("lib", "commit -qm a");
  Git("proj", absl::StrCat("submodule --quiet add ", folder_.Path("lib"),
                           " module 2>/dev/null"));
  Git("proj", absl::StrCat("clone -q ", folder_.Path("lib"), " nested"));
  for (const char* inner : {"module", "nested"}) {
    folder_.Write(absl::StrCat("proj/", inner, "/big.log"), "");
    folder_.Write(absl::StrCat("proj/", inner, "/new.py"), "");
  }
  EXPECT_THAT(
      *List("proj").paths,
      UnorderedElementsAre(".gitmodules", "module/.gitignore", "module/a.py",
                           "module/new.py", "nested/.gitignore", "nested/a.py",
                           "nested/new.py"));
  // Not fetched, as in a fresh clone.
  Git("proj", "commit -qm a");
  Git("proj", absl::StrCat("clone -q . ", folder_.Path("fresh")));
  EXPECT_THAT(*List("fresh").paths,
              UnorderedElementsAre(".gitmodules", "module"));
}

// As in a hook, which may run below the folder that its variables are meant in.
TEST_F(GitListTest, AHooksVariablesDoNotCount) {
  folder_.Write("proj/.gitignore", "*.log\n");
  folder_.Write("proj/sub/a.log", "");
  folder_.Write("proj/sub/b", "");
  setenv("GIT_DIR", ".git", 1);
  setenv("GIT_INDEX_FILE", ".git/index", 1);
  const GitFiles files = List("proj/sub");
  EXPECT_EQ(files.trouble, "");
  ASSERT_TRUE(files.paths);
  EXPECT_THAT(*files.paths, UnorderedElementsAre("b"));
}

TEST_F(GitListTest, OutsideOfARepositoryThereIsNothing) {
  folder_.Write("plain/a", "");
  const GitFiles files = List("plain");
  EXPECT_FALSE(files.paths);
  EXPECT_EQ(files.trouble, "");
}

// Such as a home in git, of which only few files are tracked.
TEST_F(GitListTest, WhatIsIgnoredAsAWholeIsInNoRepository) {
  folder_.Write("proj/.gitignore", "*\n");
  folder_.Write("proj/sub/a", "");
  EXPECT_FALSE(List("proj/sub").paths);
  EXPECT_THAT(*List("proj").paths, UnorderedElementsAre());
}

TEST_F(GitListTest, WhyGitCannotSayIsSaid) {
  folder_.Write("broken/.git", "gitdir: nowhere\n");
  folder_.Write("broken/a", "");
  const GitFiles files = List("broken");
  EXPECT_FALSE(files.paths);
  EXPECT_THAT(files.trouble, HasSubstr("what git ignores in "));
  EXPECT_THAT(files.trouble, HasSubstr(" is synced, too: fatal: "));
}

}  // namespace
}  // namespace dist
