#include "transports/spawn.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/support/process_test.h"

namespace dist {
namespace {

class SpawnTest : public ::testing::Test {
 protected:
  SpawnTest() {
    request_.env = Environment();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }

  // Runs `request_` with its stdout in a pipe; returns what it wrote.
  std::string Output() {
    int pipe[2];
    if (pipe2(pipe, O_CLOEXEC) != 0) return "no pipe";
    request_.fds.emplace_back(pipe[1], 1);
    const auto pid = Spawn(request_);
    request_.fds.pop_back();
    close(pipe[1]);
    EXPECT_TRUE(pid.ok()) << pid.status();
    std::string out;
    char buffer[4096];
    for (ssize_t n; (n = read(pipe[0], buffer, sizeof(buffer))) > 0;) {
      out.append(buffer, n);
    }
    close(pipe[0]);
    if (pid.ok()) waitpid(*pid, &status_, 0);
    return out;
  }

  std::string Script(const std::string& script) {
    request_.argv = {"sh", "-c", script};
    return Output();
  }

  absl::Status Error() {
    const auto pid = Spawn(request_);
    if (pid.ok()) waitpid(*pid, nullptr, 0);
    return pid.status();
  }

  // A temporary file as an open descriptor, at `number` if given.
  int File(const std::string& text, int number = -1) {
    const std::string path = folder_ + "/" + text;
    std::ofstream(path) << text;
    const int fd = open(path.c_str(), O_RDONLY);  // Inheritable.
    if (number < 0 || fd == number) return fd;
    dup2(fd, number);
    close(fd);
    return number;
  }

  const std::string folder_ = ::testing::TempDir() + "/spawn";
  SpawnRequest request_;
  int status_ = 0;
};

TEST_F(SpawnTest, PassesArgumentsAsTheyAre) {
  request_.argv = {"printf", "%s|", "a b", "$HOME", "", "'\"\n"};
  EXPECT_EQ(Output(), "a b|$HOME||'\"\n|");
}

TEST_F(SpawnTest, GivesExactlyTheEnvironmentAskedFor) {
  request_.argv = {"/usr/bin/env"};
  request_.env = {"A=1", "B=x=y"};
  EXPECT_EQ(Output(), "A=1\nB=x=y\n");
}

TEST_F(SpawnTest, LooksAlongThePathOfTheChild) {
  std::filesystem::create_symlink("/bin/echo", folder_ + "/my-program");
  request_.argv = {"my-program", "found"};
  SetVariable("PATH", folder_, &request_.env);
  EXPECT_EQ(Output(), "found\n");
}

TEST_F(SpawnTest, MakesTheFolderWithItsParents) {
  request_.cwd = folder_ + "/x/y/z";
  EXPECT_EQ(Script("pwd -P"),
            std::filesystem::canonical(folder_).string() + "/x/y/z\n");
}

TEST_F(SpawnTest, ARelativeProgramIsTheCallers) {
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder_);
  std::filesystem::create_symlink("/bin/sh", "shell");
  request_.argv = {"./shell", "-c", "echo $0; pwd -P"};
  request_.cwd = "elsewhere";
  const std::string output = Output();
  std::filesystem::current_path(before);
  EXPECT_EQ(status_, 0);
  EXPECT_TRUE(absl::StartsWith(output, "/")) << output;
  EXPECT_TRUE(absl::EndsWith(output, "/elsewhere\n")) << output;
}

TEST_F(SpawnTest, SetsNice) {
  request_.nice = 5;
  EXPECT_EQ(Script("nice"), "5\n");
}

TEST_F(SpawnTest, MapsDescriptorsThatOverlap) {
  const int a = File("a"), b = File("b"), c = File("c");
  // A cycle, and one onto the number of another.
  request_.fds = {{a, b}, {b, c}, {c, a}};
  const std::string seen =
      Script(absl::StrCat("cat <&", a, "; cat <&", b, "; cat <&", c));
  EXPECT_EQ(seen, "cab");
  for (const int fd : {a, b, c}) close(fd);
}

TEST_F(SpawnTest, OneDescriptorMayBecomeSeveral) {
  const int a = File("a");
  request_.fds = {{a, 7}, {a, 0}};
  EXPECT_EQ(Script("cat; cat /proc/self/fd/7"), "aa");
  close(a);
}

TEST_F(SpawnTest, InheritsNoDescriptorButThoseAskedFor) {
  const int low = File("low"), high = File("high", 200);
  request_.fds = {{low, 9}};
  // ls itself opens one for the listing.
  const std::string seen = Script("exec ls /proc/self/fd");
  std::istringstream in(seen);
  std::vector<int> fds;
  for (int fd; in >> fd;) fds.push_back(fd);
  EXPECT_EQ(fds, (std::vector<int>{0, 1, 2, 3, 9}))
      << "3 is the listing itself";
  close(low);
  close(high);
}

TEST_F(SpawnTest, StandardDescriptorsAreNeverClosed) {
  EXPECT_EQ(Script("readlink /proc/self/fd/0 /proc/self/fd/2"),
            "/dev/null\n/dev/null\n");
}

TEST_F(SpawnTest, WorksWithoutStdin) {
  const int saved = fcntl(0, F_DUPFD_CLOEXEC, 100);
  close(0);
  const std::string seen = Script("readlink /proc/self/fd/0");
  dup2(saved, 0);
  close(saved);
  EXPECT_EQ(seen, "/dev/null\n");
}

TEST_F(SpawnTest, ResetsSignalsAndLeavesTheTerminal) {
  struct sigaction ignore = {}, before_pipe, before_hup;
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, &before_pipe);
  sigaction(SIGHUP, &ignore, &before_hup);
  sigset_t set, before;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, &before);
  request_.argv = {"cat", "/proc/self/status"};
  std::istringstream status(Output());
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  sigaction(SIGPIPE, &before_pipe, nullptr);
  sigaction(SIGHUP, &before_hup, nullptr);
  int lines = 0;
  for (std::string name, value; status >> name;) {
    if (name != "SigBlk:" && name != "SigIgn:") continue;
    status >> value;
    // 32 and 33 are the C library's own and cannot be reset through it.
    EXPECT_EQ(std::stoull(value, nullptr, 16) & ~0x180000000ull, 0u) << name;
    ++lines;
  }
  EXPECT_EQ(lines, 2);
}

TEST_F(SpawnTest, TheCallersSignalMaskStaysAsItWas) {
  sigset_t before, after;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  Script("true");
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  for (int signal = 1; signal < NSIG; ++signal) {
    EXPECT_EQ(sigismember(&before, signal), sigismember(&after, signal));
  }
}

TEST_F(SpawnTest, HasASessionOfItsOwn) {
  // Fields 1, 5, 6 and 7: number, group, session, terminal.
  const std::string seen = Script("exec cut -d' ' -f1,5,6,7 /proc/self/stat");
  std::istringstream in(seen);
  int pid = 0, group = 0, session = 0, terminal = -1;
  in >> pid >> group >> session >> terminal;
  EXPECT_EQ(pid, group);
  EXPECT_EQ(pid, session);
  EXPECT_EQ(terminal, 0);
}

TEST_F(SpawnTest, DiesWithTheThreadThatStartedItIfAsked) {
  request_.argv = {"sleep", "1000"};
  request_.die_with_parent = true;
  absl::StatusOr<pid_t> pid;
  std::thread([&] { pid = Spawn(request_); }).join();
  ASSERT_TRUE(pid.ok());
  EXPECT_TRUE(Eventually([&] { return !IsRunning(*pid); }));
  waitpid(*pid, nullptr, 0);
}

TEST_F(SpawnTest, SaysWhatIsWrongWithAProgram) {
  std::ofstream(folder_ + "/text") << "no program";
  request_.argv = {folder_ + "/text"};
  EXPECT_EQ(Error(), absl::NotFoundError(folder_ + "/text: Permission denied"));
  chmod((folder_ + "/text").c_str(), 0755);
  EXPECT_EQ(Error(), absl::NotFoundError(folder_ + "/text: Exec format error"));
  request_.argv = {folder_ + "/none"};
  EXPECT_EQ(Error(),
            absl::NotFoundError(folder_ + "/none: No such file or directory"));
  request_.argv = {"no-such-program"};
  EXPECT_EQ(Error(), absl::NotFoundError("no-such-program: not found"));
  request_.argv = {};
  EXPECT_TRUE(absl::IsNotFound(Error()));
}

TEST_F(SpawnTest, SaysWhatIsWrongWithAFolder) {
  std::ofstream(folder_ + "/file") << "";
  request_.argv = {"true"};
  request_.cwd = folder_ + "/file/below";
  EXPECT_EQ(Error(),
            absl::FailedPreconditionError(absl::StrCat(
                "cannot make the folder ", request_.cwd, ": Not a directory")));
  request_.cwd = folder_ + "/file";
  EXPECT_EQ(Error(), absl::FailedPreconditionError(
                         absl::StrCat("cannot enter the folder ", request_.cwd,
                                      ": Not a directory")));
}

TEST_F(SpawnTest, LeavesNoZombieAndNoDescriptorWhenItFails) {
  const auto count = [] {
    const std::filesystem::directory_iterator fds("/proc/self/fd");
    return std::distance(begin(fds), end(fds));
  };
  const auto before = count();
  request_.argv = {folder_ + "/none"};
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(Error().ok());
  EXPECT_EQ(count(), before);
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
}

TEST_F(SpawnTest, SaysThatItCannotFork) {
  // RLIMIT_NPROC does not bind root: in a child that is somebody else.
  int pipe[2];
  ASSERT_EQ(pipe2(pipe, O_CLOEXEC), 0);
  const pid_t child = fork();
  if (child == 0) {
    const rlimit none = {0, 0};
    if (geteuid() == 0 && setuid(65534) != 0) {
      (void)!write(pipe[1], "skip", 4);
      _exit(0);
    }
    setrlimit(RLIMIT_NPROC, &none);
    request_.argv = {"true"};
    const std::string text(Error().message());
    (void)!write(pipe[1], text.data(), text.size());
    _exit(0);
  }
  close(pipe[1]);
  char text[200] = {};
  (void)!read(pipe[0], text, sizeof(text) - 1);
  close(pipe[0]);
  waitpid(child, nullptr, 0);
  if (std::string(text) == "skip" || std::string(text).empty()) {
    GTEST_SKIP() << "NOT TESTED: cannot become another user than root";
  }
  EXPECT_EQ(std::string(text), "fork: Resource temporarily unavailable");
}

TEST_F(SpawnTest, EachFolderAlongThePathCountsOnce) {
  std::filesystem::create_directories(folder_ + "/a");
  std::filesystem::create_symlink("/bin/true", folder_ + "/a/x");
  std::filesystem::create_directory_symlink("a", folder_ + "/b");
  const std::string a = folder_ + "/a", b = folder_ + "/b";
  EXPECT_EQ(FindPrograms({"x"}, a + ":" + b + ":/nowhere:" + a),
            std::vector<std::string>{a + "/x"});
}

}  // namespace
}  // namespace dist
