// Where a node program is put when the first folder is not fit for it. The
// folders are mounts in a namespace of the test's own, which needs root.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/support/bootstrap_host.h"

namespace dist {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class BootstrapFoldersTest : public BootstrapHost {
 protected:
  void SetUp() override {
    if (system("unshare -m mount -t tmpfs t /mnt 2>/dev/null") != 0) {
      GTEST_SKIP() << "NOT TESTED: mounting needs root";
    }
    std::filesystem::create_directories(home_ + "/.cache");
  }

  static std::string Tmpfs(const std::string& folder,
                           const std::string& options) {
    return "mount -t tmpfs -o mode=1777," + options + " t " + folder + " && ";
  }

  // A login where `mounts` have been made. /var/tmp and /dev/shm are empty, and
  // gone afterwards; what was put there is listed in ~/used.
  absl::StatusOr<Connection> LoginWith(const std::string& mounts,
                                       const std::string& others = "size=64m") {
    setenv("DIST_MOUNTS",
           (Tmpfs("/var/tmp", others) + Tmpfs("/dev/shm", others) + mounts +
            "sh -c \"$DIST_LINE\"; "
            "cd / && ls -d var/tmp/dist-*/programs/* "
            "dev/shm/dist-*/programs/* 2>/dev/null | cut -d/ -f1-3 > " +
            home_ + "/used")
               .c_str(),
           1);
    return Run("unshare -m sh -c \"$DIST_MOUNTS\"");
  }

  // The folder that was used beside the home's, or "".
  std::string Used() const {
    std::ifstream file(home_ + "/used");
    std::string text{std::istreambuf_iterator<char>(file), {}};
    return text.substr(0, text.find('\n'));
  }

  static std::string User() { return std::to_string(getuid()); }
};

TEST_F(BootstrapFoldersTest, GoesOnToTheNextFolder) {
  struct Row {
    const char* why;
    std::string mounts;
  };
  for (const Row& row :
       {Row{"noexec", Tmpfs("~/.cache", "noexec")},
        Row{"read-only", Tmpfs("~/.cache", "ro")},
        Row{"too small", Tmpfs("~/.cache", "size=1m")},
        Row{"no room for files", Tmpfs("~/.cache", "nr_inodes=5")},
        Row{"no home", "HOME=/nonexistent && export HOME && "},
        Row{"a link", Tmpfs("~/.cache", "size=64m") +
                          "mkdir ~/.cache/x && ln -s x ~/.cache/dist && "},
        Row{"others may write",
            Tmpfs("~/.cache", "size=64m") +
                "mkdir ~/.cache/dist && chmod 770 ~/.cache/dist && "},
        Row{"another user's",
            Tmpfs("~/.cache", "size=64m") +
                "mkdir ~/.cache/dist && (chown 12345 ~/.cache/dist "
                // A sandbox knows no other user, but has /usr from one.
                "2>/dev/null || mount --bind /usr ~/.cache/dist) && "},
        Row{"a file",
            Tmpfs("~/.cache", "size=64m") + ": > ~/.cache/dist && "}}) {
    SCOPED_TRACE(row.why);
    std::filesystem::remove(home_ + "/used");
    ExpectNode(LoginWith(row.mounts));
    EXPECT_EQ(Used(), "var/tmp/dist-" + User());
    EXPECT_FALSE(std::filesystem::exists("/nonexistent"));
  }
}

// As in a home that several hosts mount, each in its way.
TEST_F(BootstrapFoldersTest, LeavesAProgramThatCannotBeExecutedHere) {
  ExpectNode(Login("sh"));
  ExpectNode(
      LoginWith("mount --bind ~/.cache ~/.cache && "
                "mount -o remount,bind,noexec ~/.cache && "));
  EXPECT_EQ(Used(), "var/tmp/dist-" + User());
  EXPECT_THAT(Installed(), ElementsAre(bundles_.all()[0].head.hash));
}

// As in a chroot.
TEST_F(BootstrapFoldersTest, DoesWithoutProc) {
  ExpectNode(LoginWith("mount -t tmpfs t /proc && "));
  EXPECT_EQ(Used(), "");
}

TEST_F(BootstrapFoldersTest, GoesOnWhenTheDiskIsFullUnexpectedly) {
  // Without df nobody knows before.
  const std::string without_df =
      "mkdir ~/bin && ln -s /bin/false ~/bin/df && PATH=~/bin:$PATH && ";
  ExpectNode(LoginWith(without_df + Tmpfs("~/.cache", "size=9m")));
  EXPECT_EQ(Used(), "var/tmp/dist-" + User());
}

TEST_F(BootstrapFoldersTest, SaysWhyNoFolderIsFit) {
  ExpectError(LoginWith(Tmpfs("~/.cache", "noexec"), "noexec").status(),
              "/.cache/dist: programs cannot be executed there: ");
  const absl::Status full =
      LoginWith(Tmpfs("~/.cache", "ro"), "size=1m").status();
  ExpectError(full, "/.cache/dist: ");
  EXPECT_THAT(std::string(full.message()), HasSubstr("Read-only file system"));
  EXPECT_THAT(
      std::string(full.message()),
      HasSubstr(absl::StrCat("; /var/tmp/dist-", User(), ": no space left: ")));
  EXPECT_THAT(std::string(full.message()),
              HasSubstr(absl::StrCat("; /dev/shm/dist-", User(), ": ")));
}

TEST_F(BootstrapFoldersTest, SaysWhatTheDiskSaid) {
  std::filesystem::create_directories(home_ + "/bin");
  std::filesystem::create_symlink("/bin/false", home_ + "/bin/df");
  ExpectError(LoginWith("PATH=~/bin:$PATH && " + Tmpfs("~/.cache", "size=5m"),
                        "size=5m")
                  .status(),
              "No space left on device");
}

TEST_F(BootstrapFoldersTest, TakesTheUsersCacheFolder) {
  setenv("XDG_CACHE_HOME", (home_ + "/my cache/deep").c_str(), 1);
  ExpectNode(Login("sh"));
  EXPECT_TRUE(std::filesystem::exists(home_ + "/my cache/deep/dist/programs/" +
                                      bundles_.all()[0].head.hash));
  EXPECT_FALSE(std::filesystem::exists(home_ + "/.cache/dist"));
  // A relative one is none, as its specification has it.
  setenv("XDG_CACHE_HOME", "cache", 1);
  ExpectNode(Login("sh"));
  EXPECT_TRUE(std::filesystem::exists(Program()));
}

TEST_F(BootstrapFoldersTest, KeepsItPrivate) {
  ExpectNode(Run("umask 000; sh -c \"$DIST_LINE\""));
  namespace fs = std::filesystem;
  for (const std::string& path :
       {home_ + "/.cache/dist", Programs(), Program(), Program() + "/dist",
        Program() + "/libc.so.6"}) {
    EXPECT_EQ(fs::status(path).permissions() & fs::perms(077), fs::perms::none)
        << path;
  }
}

TEST_F(BootstrapFoldersTest, ForgetsWhatNobodyUses) {
  ExpectNode(Login("sh"));
  ASSERT_EQ(system(("cd " + Programs() +
                    " && mkdir old t.host.1 new && touch -d '20 days ago' old "
                    "t.host.1 */dist && rm */dist")
                       .c_str()),
            0);
  ExpectNode(Login("sh"));
  EXPECT_THAT(Installed(), ElementsAre(bundles_.all()[0].head.hash, "new"));
}

}  // namespace
}  // namespace dist
