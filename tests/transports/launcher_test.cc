// The launcher, with the files of the real bundle.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "transports/bundle.h"
#include "transports/owned_fd.h"

namespace dist {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// What the program says when it is not told to be a node, and its status.
constexpr char kProgramRan[] = "dist: this is the part that runs on hosts\n";
constexpr int kNotANode = 4;

struct Ran {
  int status = -1;
  std::string out;
  std::string err;
};

class LauncherTest : public ::testing::Test {
 protected:
  LauncherTest() : folder_(::testing::TempDir() + "/program") {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    const auto bundles = Bundles::In("cli/bundles");
    const Bundle& bundle = bundles->all().at(0);
    hash_ = bundle.head.hash;
    listing_ = bundle.head.listing;
    const auto contents = ReadPayload(bundle, Encoding::kPlain);
    const std::vector<std::string> words = absl::StrSplit(listing_, ' ');
    size_t at = 0;
    for (size_t i = 0; i < words.size(); i += 2) {
      const size_t size = std::stoul(words[i]);
      Write(words[i + 1], (*contents)->substr(at, size));
      fs::permissions(folder_ + "/" + words[i + 1], fs::perms::owner_all);
      names_.push_back(words[i + 1]);
      at += size;
    }
    // What is not of the bundle, so that the folder may be spoilt.
    fs::copy(folder_ + "/launcher", launcher_,
             fs::copy_options::overwrite_existing);
  }

  void Write(const std::string& name, const std::string& bytes) {
    std::ofstream(folder_ + "/" + name, std::ios::binary) << bytes;
  }

  // Starts it. Its stdout is `out`, its stderr a file.
  pid_t Start(std::vector<std::string> args, int out) {
    args.insert(args.begin(), launcher_);
    std::vector<char*> argv;
    for (std::string& arg : args) argv.push_back(&arg[0]);
    argv.push_back(nullptr);
    const pid_t pid = fork();
    if (pid == 0) {
      const int err =
          open(Err().c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
      dup2(out, STDOUT_FILENO);
      dup2(err, STDERR_FILENO);
      execv(argv[0], argv.data());
      _exit(127);
    }
    return pid;
  }

  Ran Wait(pid_t pid, int out) {
    Ran ran;
    char buffer[4096];
    for (ssize_t n; (n = read(out, buffer, sizeof(buffer))) > 0;) {
      ran.out.append(buffer, n);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    std::ifstream file(Err());
    ran.err = {std::istreambuf_iterator<char>(file), {}};
    return ran;
  }

  Ran Launch(std::vector<std::string> args) {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    const OwnedFd out(ends[0]);
    const pid_t pid = Start(std::move(args), ends[1]);
    close(ends[1]);
    return Wait(pid, out.get());
  }
  Ran Verify() { return Launch({folder_, hash_, listing_}); }
  Ran Run() {
    return Launch({folder_, hash_, listing_, "ready to go", "", "", "no"});
  }

  static std::string Err() { return ::testing::TempDir() + "/err"; }

  const std::string folder_;
  const std::string launcher_ = ::testing::TempDir() + "/launcher";
  std::string hash_;
  std::string listing_;
  std::vector<std::string> names_;
};

TEST_F(LauncherTest, RunsWhatIsSound) {
  const Ran verified = Verify();
  EXPECT_EQ(verified.status, 0) << verified.err;
  EXPECT_EQ(verified.out + verified.err, "");
  const Ran ran = Run();
  EXPECT_EQ(ran.status, kNotANode);
  EXPECT_EQ(ran.out, "ready to go\n");
  EXPECT_EQ(ran.err, kProgramRan);
}

// Each of them, the first byte and the last; said before anything is started.
TEST_F(LauncherTest, RefusesADamagedFile) {
  for (const std::string& name : names_) {
    const std::string path = folder_ + "/" + name;
    for (const int64_t at :
         {int64_t{0}, static_cast<int64_t>(fs::file_size(path)) - 1}) {
      const OwnedFd file(open(path.c_str(), O_RDWR | O_CLOEXEC));
      char byte;
      ASSERT_EQ(pread(file.get(), &byte, 1, at), 1);
      const char other = static_cast<char>(byte ^ 1);
      ASSERT_EQ(pwrite(file.get(), &other, 1, at), 1);
      for (const Ran& ran : {Verify(), Run()}) {
        EXPECT_EQ(ran.status, 1) << name << " at " << at;
        EXPECT_EQ(ran.out, "");
        EXPECT_EQ(ran.err,
                  absl::StrCat("dist: ", folder_, ": its files are damaged\n"));
      }
      ASSERT_EQ(pwrite(file.get(), &byte, 1, at), 1);
    }
  }
  EXPECT_EQ(Verify().status, 0);
}

TEST_F(LauncherTest, NamesAFileThatIsNotWhatWasSent) {
  const std::string libc = folder_ + "/libc.so.6";
  const std::string kept = ::testing::TempDir() + "/kept";
  fs::remove(kept);
  fs::rename(libc, kept);
  EXPECT_EQ(Verify().err,
            absl::StrCat("dist: ", libc, ": No such file or directory\n"));
  fs::create_symlink(kept, libc);
  EXPECT_THAT(Verify().err,
              HasSubstr("libc.so.6: Too many levels of symbolic"));
  fs::remove(libc);
  ASSERT_EQ(mkfifo(libc.c_str(), 0600), 0);
  EXPECT_THAT(Verify().err, HasSubstr("libc.so.6: is not a file of "));
  fs::remove(libc);
  fs::create_directory(libc);
  EXPECT_THAT(Verify().err, HasSubstr("libc.so.6: is not a file of "));
  fs::remove(libc);
  Write("libc.so.6", "short");
  EXPECT_THAT(Verify().err, HasSubstr("libc.so.6: is not a file of "));
  fs::rename(kept, libc);
  EXPECT_EQ(Verify().status, 0);
}

TEST_F(LauncherTest, RunsAScriptWhereSomethingIsNotSound) {
  const std::vector<std::string> arguments = {
      folder_,
      hash_,
      listing_,
      "ready to go",
      "echo \"$2\" for \"${1%% *}\"; ls /proc/self/fd | wc -l; exit 7",
      "as it was",
      "no"};
  EXPECT_EQ(Launch(arguments).err, kProgramRan);
  Write("libc.so.6", "short");
  const Ran ran = Launch(arguments);
  EXPECT_EQ(ran.status, 7);
  // stdin, stdout, stderr, and what ls reads.
  EXPECT_EQ(ran.out, "as it was for echo\n4\n");
  EXPECT_THAT(ran.err, HasSubstr("libc.so.6: is not a file of "));
}

TEST_F(LauncherTest, RefusesWhatIsNoListing) {
  for (const char* listing :
       {"", "3", "3 a 4 b", "0 launcher 1 b 2 c", "x launcher 1 b 2 c",
        "3 ../a 4 b 5 c", "3 a 4 b 5"}) {
    const Ran ran = Launch({folder_, hash_, listing, "ready", "", "", "no"});
    EXPECT_EQ(ran.status, 1);
    EXPECT_EQ(ran.err,
              absl::StrCat("dist: ", folder_, ": its listing cannot be read\n"))
        << listing;
  }
  std::string many;
  for (int i = 0; i < 1000; ++i) absl::StrAppend(&many, "1 f", i, " ");
  EXPECT_EQ(Launch({folder_, hash_, many}).status, 1);
  EXPECT_EQ(Launch({folder_, hash_}).status, 1);
  EXPECT_EQ(Launch({folder_, hash_, listing_, "words", "script"}).status, 1);
  EXPECT_THAT(Launch({folder_ + "/no", hash_, listing_}).err,
              HasSubstr("/program/no: No such file or directory"));
}

// The bytes that it verified are those that run, whatever the names lead to by
// then. It is held between the two: nobody reads what it says.
TEST_F(LauncherTest, RunsWhatItHasVerified) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const OwnedFd out(ends[0]);
  OwnedFd in(ends[1]);
  ASSERT_EQ(fcntl(in.get(), F_SETFL, O_NONBLOCK), 0);
  size_t filled = 0;
  for (ssize_t n; (n = write(in.get(), "filling", 7)) > 0;) filled += n;
  ASSERT_EQ(fcntl(in.get(), F_SETFL, 0), 0);
  const pid_t pid =
      Start({folder_, hash_, listing_, "ready to go", "", "", "no"}, in.get());
  in.Reset();
  // Asleep: it waits for nothing but a reader.
  const std::string about = absl::StrCat("/proc/", pid, "/");
  const auto held = [&] {
    std::error_code error;
    std::ifstream file(about + "stat");
    const std::string stat{std::istreambuf_iterator<char>(file), {}};
    return fs::read_symlink(about + "exe", error) == fs::canonical(launcher_) &&
           absl::StrContains(stat, ") S ");
  };
  const absl::Time limit = absl::Now() + absl::Seconds(20);
  while (!held() && absl::Now() < limit) absl::SleepFor(absl::Milliseconds(1));
  ASSERT_TRUE(held());
  for (const std::string& name : names_) {
    Write(name + ".new", "another");
    fs::rename(folder_ + "/" + name + ".new", folder_ + "/" + name);
  }
  const Ran ran = Wait(pid, out.get());
  EXPECT_EQ(ran.status, kNotANode);
  EXPECT_EQ(ran.out.substr(filled), "ready to go\n");
  EXPECT_EQ(ran.err, kProgramRan);
}

TEST_F(LauncherTest, DoesWithoutProc) {
  if (system("unshare -m mount -t tmpfs t /proc 2>/dev/null") != 0) {
    GTEST_SKIP() << "NOT TESTED: mounting needs root; .ci/run runs it as root";
  }
  setenv("LISTING", listing_.c_str(), 1);
  setenv("COMMAND",
         absl::StrCat("mount -t tmpfs t /proc && exec ", launcher_, " ",
                      folder_, " ", hash_, " \"$LISTING\" ready '' '' no 2>&1")
             .c_str(),
         1);
  FILE* const pipe = popen("unshare -m sh -c \"$COMMAND\"", "r");
  ASSERT_NE(pipe, nullptr);
  char text[200];
  const size_t n = fread(text, 1, sizeof(text), pipe);
  EXPECT_EQ(WEXITSTATUS(pclose(pipe)), kNotANode);
  EXPECT_EQ(std::string(text, n), absl::StrCat("ready\n", kProgramRan));
}

}  // namespace
}  // namespace dist
