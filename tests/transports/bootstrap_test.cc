// The bootstrap, with real shells, the real bundle and real nodes.
#include "transports/bootstrap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <fstream>
#include <string>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/support/bootstrap_host.h"

namespace dist {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class BootstrapTest : public BootstrapHost {};

TEST(BootstrapCommandTest, IsOneCommandForEveryShell) {
  struct Row {
    absl::string_view line;
    int quotes;
  };
  for (const auto& [line, quotes] :
       {Row{BootstrapCommand(), 4}, Row{RelayCommand(), 2}}) {
    EXPECT_TRUE(absl::StartsWith(line, "exec sh -c '"));
    EXPECT_TRUE(absl::EndsWith(line, "'"));
    EXPECT_EQ(line.find_first_of("\\!\n"), std::string::npos);
    EXPECT_EQ(std::count(line.begin(), line.end(), '\''), quotes);
    // One read of dash takes 8191 bytes.
    EXPECT_LT(line.size(), 8000u);
  }
}

// Every shell that somebody may have as a login shell.
class BootstrapShellTest : public BootstrapHost,
                           public ::testing::WithParamInterface<const char*> {};

TEST_P(BootstrapShellTest, MakesANodeColdAndWarm) {
  if (!CommandExists(std::string(GetParam())
                         .substr(0, std::string(GetParam()).find(' ')))) {
    GTEST_SKIP() << "NOT TESTED: there is no " << GetParam();
  }
  ExpectNode(Login(GetParam()));
  EXPECT_THAT(Installed(), ElementsAre(bundles_.all()[0].head.hash));
  const auto installed = std::filesystem::last_write_time(Program() + "/dist");
  ExpectNode(Login(GetParam()));
  EXPECT_EQ(std::filesystem::last_write_time(Program() + "/dist"), installed)
      << "it was sent again";
}

INSTANTIATE_TEST_SUITE_P(All, BootstrapShellTest,
                         ::testing::Values("dash", "bash", "busybox sh", "tcsh",
                                           "bsd-csh", "fish"),
                         [](const auto& info) {
                           std::string name;
                           for (const char* c = info.param; *c != '\0'; ++c) {
                             if (isalnum(*c)) name.push_back(*c);
                           }
                           return name;
                         });

TEST_F(BootstrapTest, ToleratesGreetings) {
  // The last one is no whole line.
  ExpectNode(Run(
      "i=0; while [ $i -lt 1000 ]; do echo Welcome to dist-bootstrap-1 run; "
      "i=$((i+1)); done; echo -n 'Last login: '; sh -c \"$DIST_LINE\""));
}

TEST_F(BootstrapTest, DoesNotListenForEver) {
  ExpectError(Run("yes dist-bootstrap-1 noise").status(),
              "more than 64 KiB came before its answer");
}

TEST_F(BootstrapTest, SaysHowAShellEnded) {
  ExpectError(Run("nosuchcommand").status(),
              "no POSIX shell answered: exit status 127: ");
  ExpectError(Run("echo so long; echo denied >&2; exit 3").status(),
              "no POSIX shell answered: exit status 3: denied; so long\n");
  ExpectError(Run("echo so long").status(),
              "no POSIX shell answered: exit status 0: so long\n");
}

TEST_F(BootstrapTest, ShowsForeignWordsHarmlessly) {
  const absl::Status status =
      Run("printf 'a\\033[2Jb\\007' >&2; exit 3").status();
  ExpectError(status, "a\\x1b[2Jb\\x07");
}

TEST_F(BootstrapTest, WaitsNoLongerThanItMay) {
  ExpectError(Run("echo hm >&2; exec sleep 1000", Within(0.3)).status(),
              "no POSIX shell answered in time");
}

TEST_F(BootstrapTest, GivesUpWhenTold) {
  const int cancel = eventfd(0, EFD_CLOEXEC);
  Patience patience = Soon();
  patience.cancel_fd = cancel;
  std::thread caller([&] { eventfd_write(cancel, 1); });
  const absl::Time start = absl::Now();
  const absl::Status status = Run("sleep 1000; true", patience).status();
  caller.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
  EXPECT_LT(absl::Now() - start, absl::Seconds(1));
  EXPECT_TRUE(KeptChildren().empty());
  close(cancel);
}

// A host whose tool NAME, before all others, is the script `lines`. It finds
// the others when it drops the first folder of PATH.
constexpr char kWithTools[] = "PATH=~/bin:$PATH exec sh -c \"$DIST_LINE\"";
void PutTool(const std::string& home, const std::string& name,
             const std::string& lines) {
  std::filesystem::create_directory(home + "/bin");
  const std::string path = home + "/bin/" + name;
  std::ofstream(path) << "#!/bin/sh\n" << lines;
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
}

TEST_F(BootstrapTest, NamesThePlatformsThereAre) {
  PutTool(home_, "uname", "echo Linux sparc64\n");
  ExpectError(Run(kWithTools).status(),
              "there is no node program for 'Linux sparc64', only for "
              "linux-x86_64\n");
}

TEST_F(BootstrapTest, ReplacesADamagedProgram) {
  ExpectNode(Login("sh"));
  const auto count = [&] {
    const std::filesystem::directory_iterator all(Program()), none;
    return std::distance(all, none);
  };
  const auto files = count();
  struct Row {
    const char* why;
    std::string damage;
  };
  for (const Row& row :
       {Row{"a byte",
            "printf x | dd of=libc.so.6 bs=1 seek=100000 "
            "conv=notrunc 2>/dev/null"},
        Row{"an empty file", ": > dist"}, Row{"a missing file", "rm lib*"},
        Row{"the launcher",
            "printf x | dd of=launcher bs=1 seek=5000 "
            "conv=notrunc 2>/dev/null"},
        Row{"swapped files", "mv dist x; mv libc.so.6 dist; mv x libc.so.6"},
        Row{"an empty folder", "rm *"}}) {
    SCOPED_TRACE(row.why);
    ASSERT_EQ(system(("cd " + Program() + " && " + row.damage).c_str()), 0);
    ExpectNode(Login("sh"));
    const BundleHead& head = bundles_.all()[0].head;
    EXPECT_EQ(system(absl::StrCat("cd ", Program(), " && ./launcher . ",
                                  head.hash, " \"", head.listing, "\"")
                         .c_str()),
              0);
    EXPECT_EQ(count(), files);
    EXPECT_THAT(Installed(), ElementsAre(bundles_.all()[0].head.hash));
  }
}

// What comes after the launcher: launcher_test.cc.
TEST_F(BootstrapTest, ExecutesTheLauncherThatItHashed) {
  ExpectNode(Login("sh"));
  // Another one is put in its place, once, as soon as its hash is known.
  PutTool(home_, "sha256sum",
          "said=$(PATH=${PATH#*:} sha256sum) && echo \"$said\"\n"
          "case $said in e3b0c*) exit;; esac\n"  // Of nothing: tried out.
          "cd ~/.cache/dist/programs/* && mkdir ~/swapped 2>/dev/null &&\n"
          "printf '#!/bin/sh\\n: >~/executed\\n' >x &&\n"
          "chmod 700 x && mv -f x launcher\n"
          "exit 0\n");
  ExpectNode(Run(kWithTools));
  EXPECT_TRUE(std::filesystem::exists(home_ + "/swapped"));
  EXPECT_FALSE(std::filesystem::exists(home_ + "/executed"));
}

TEST_F(BootstrapTest, NeedsButFewTools) {
  if (!CommandExists("busybox")) GTEST_SKIP() << "NOT TESTED: no busybox";
  const std::string tools = home_ + "/bin";
  std::filesystem::create_directories(tools);
  std::string busybox;
  for (const char* path : {"/bin/busybox", "/usr/bin/busybox"}) {
    if (std::filesystem::exists(path)) busybox = path;
  }
  // No gzip, tar, sha256sum, openssl, df, find, touch.
  for (const char* name :
       {"sh", "uname", "id", "ls", "mkdir", "rm", "dd", "mv", "cat", "chmod"}) {
    std::filesystem::create_symlink(busybox, tools + "/" + name);
  }
  const std::string command = "PATH=" + tools + " exec sh -c \"$DIST_LINE\"";
  ExpectNode(Run(command));
  EXPECT_THAT(Installed(), ElementsAre(bundles_.all()[0].head.hash));
  ExpectNode(Run(command));
  ASSERT_EQ(system((": > " + Program() + "/libm.so.6").c_str()), 0);
  ExpectNode(Run(command));
}

// A client that goes away at any moment of a cold start leaves nothing.
TEST_F(BootstrapTest, LeavesNothingHalfWritten) {
  const auto payload = ReadPayload(bundles_.all()[0], Encoding::kGzip);
  ASSERT_TRUE(payload.ok());
  for (const double part : {0.0, 0.001, 0.5, 0.999}) {
    SCOPED_TRACE(part);
    Stream stream = Open("sh -c \"$DIST_LINE\"");
    const std::string table = BootstrapTable(bundles_);
    ASSERT_EQ(send(stream.fd, table.data(), table.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(table.size()));
    std::string heard;
    while (!absl::StrContains(heard, " need ")) {
      char buffer[4096];
      const ssize_t n = recv(stream.fd, buffer, sizeof(buffer), 0);
      ASSERT_GT(n, 0) << heard;
      heard.append(buffer, n);
    }
    const size_t size = static_cast<size_t>((*payload)->size() * part);
    for (size_t sent = 0; sent < size;) {
      const ssize_t n =
          send(stream.fd, (*payload)->data() + sent, size - sent, MSG_NOSIGNAL);
      ASSERT_GT(n, 0);
      sent += n;
    }
    close(stream.fd);
    EXPECT_NE(stream.witness->WaitForEnd(absl::Seconds(5)), "");
    BuryChild(stream.child, absl::Seconds(1));
    EXPECT_THAT(Installed(), ElementsAre());
    EXPECT_EQ(KillDescendants(absl::ZeroDuration(), {}), 0);
  }
}

TEST_F(BootstrapTest, InstallsOnceForManyAtOnce) {
  PutTool(home_, "gzip",
          "echo >>~/received\nPATH=${PATH#*:} exec gzip \"$@\"\n");
  // Where this process has not installed it yet.
  setenv("XDG_CACHE_HOME", (home_ + "/once").c_str(), 1);
  std::vector<std::thread> threads;
  std::vector<absl::StatusOr<Connection>> made(3, absl::UnknownError(""));
  for (auto& connection : made) {
    threads.emplace_back([&] { connection = Run(kWithTools); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& connection : made) ExpectNode(connection);
  EXPECT_EQ(std::filesystem::file_size(home_ + "/received"), 1u)
      << "it was sent more than once to one folder of one machine";
}

// As containers have: the name of the machine and of the folder say that the
// program is there.
TEST_F(BootstrapTest, BelievesWhatAHostFinds) {
  ExpectNode(Login("sh"));
  std::filesystem::remove_all(Program());
  ExpectNode(Login("sh"));
  EXPECT_THAT(Installed(), ElementsAre(bundles_.all()[0].head.hash));
}

// Another start may have put its own there since this one looked.
TEST_F(BootstrapTest, RemovesNothingThatWasNotThere) {
  PutTool(home_, "rm",
          "for last; do :; done\n"
          "case ${last##*/programs/} in t.* | */*) ;; *) : >~/removed;; esac\n"
          "PATH=${PATH#*:} exec rm \"$@\"\n");
  ExpectNode(Run(kWithTools));
  EXPECT_FALSE(std::filesystem::exists(home_ + "/removed"));
  // What is broken there is replaced.
  ASSERT_EQ(system((": > " + Program() + "/libm.so.6").c_str()), 0);
  ExpectNode(Run(kWithTools));
  EXPECT_TRUE(std::filesystem::exists(home_ + "/removed"));
}

// Likewise the folder that they share.
TEST_F(BootstrapTest, TakesAFolderThatAnotherStartMadeFirst) {
  PutTool(home_, "mkdir",
          "PATH=${PATH#*:}\n"
          "case $* in */.cache/dist) mkdir \"$@\";; esac\n"
          "exec mkdir \"$@\"\n");
  ExpectNode(Run(kWithTools));
  EXPECT_THAT(Installed(), ElementsAre(bundles_.all()[0].head.hash));
}

// Between the look of mv and its rename, another start puts its own there.
TEST_F(BootstrapTest, TakesWhatAnotherStartPutThereFirst) {
  PutTool(home_, "mv",
          "cp -a \"$1\" \"$2\"\n"
          "echo \"mv: cannot move '$1' to '$2': Directory not empty\" >&2\n"
          "exit 1\n");
  ExpectNode(Run(kWithTools));
  // Ours is gone, and no other folder was tried.
  EXPECT_THAT(Installed(), ElementsAre(bundles_.all()[0].head.hash));
}

TEST_F(BootstrapTest, RunsACommandBehindARelay) {
  for (const char* shell : {"dash", "bash", "busybox sh", "sh"}) {
    SCOPED_TRACE(shell);
    // Characters that one layer of quoting would not survive.
    const std::string inner = absl::StrCat(
        "A=\"it's $((1+1))\\\\\"; [ \"$A\" = \"it's 2\\\\\" ] && ", shell);
    setenv("DIST_RELAY", std::string(RelayCommand()).c_str(), 1);
    Stream stream = Open("sh -c \"$DIST_RELAY\"");
    ASSERT_TRUE(Relay(&stream, inner, Soon()).ok());
    const std::string line = absl::StrCat(BootstrapCommand(), "\n");
    ASSERT_EQ(send(stream.fd, line.data(), line.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(line.size()));
    ExpectNode(
        Bootstrap(std::move(stream), bundles_, Soon(), Start::kWhenGreeted));
  }
}

}  // namespace
}  // namespace dist
