#include "transports/process_pump.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/support/process_test.h"
#include "transports/spawn.h"

namespace dist {
namespace {

size_t OpenDescriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd"), none;
  return std::distance(all, none);
}

class ProcessPumpTest : public ::testing::Test {
 protected:
  ProcessPump::Key Start(std::vector<std::string> argv,
                         std::shared_ptr<Watcher> watcher) {
    ProcessRequest request;
    request.argv = std::move(argv);
    request.env = Environment();
    return pump_.Start(std::move(request), std::move(watcher));
  }
  ProcessPump::Key Shell(const std::string& script) {
    return Start({"sh", "-c", script}, watcher_);
  }
  ProcessPump::Key Python(const std::string& script) {
    return Start({"python3", "-c", script}, watcher_);
  }

  int KillAll() {
    std::promise<int> left;
    pump_.KillAll(absl::Seconds(5), [&](int n) { left.set_value(n); });
    return left.get_future().get();
  }

  // The number that the script printed first.
  pid_t PrintedPid() { return atoi(watcher_->output().c_str()); }

  ProcessPump pump_;
  std::shared_ptr<Watcher> watcher_ = std::make_shared<Watcher>();
};

TEST_F(ProcessPumpTest, CarriesTheControlChannelBothWays) {
  const auto key = Shell("cat <&3 >&3");
  std::string sent;
  for (int i = 0; i < 2000; ++i) {
    const std::string line = absl::StrCat("line ", i, "\n");
    sent += line;
    pump_.Write(key, line);
  }
  EXPECT_TRUE(watcher_->WaitForControl("line 1999\n"));
  EXPECT_EQ(watcher_->control(), sent);
}

TEST_F(ProcessPumpTest, CarriesMoreThanASocketHolds) {
  const auto key = Python(
      "import socket\n"
      "s = socket.socket(fileno=3)\n"
      "n = 0\n"
      "while n < 20000000: n += len(s.recv(65536))\n"
      "s.send(b'got %d' % n)");
  for (int i = 0; i < 20; ++i) pump_.Write(key, std::string(1000000, 'x'));
  EXPECT_TRUE(watcher_->WaitForControl("got 20000000", 20));
}

TEST_F(ProcessPumpTest, GatheringKeepsOrderAndLosesNothing) {
  Python(
      "import os, time\n"
      "for i in range(300):\n"
      "    os.write(3, b'%d;' % i)\n"
      "    if i % 50 == 0: time.sleep(0.012)\n"
      "os.write(3, b'end')");
  ASSERT_TRUE(watcher_->WaitForEnd());
  std::string expected;
  for (int i = 0; i < 300; ++i) absl::StrAppend(&expected, i, ";");
  EXPECT_EQ(watcher_->control(), expected + "end");
}

TEST_F(ProcessPumpTest, DeliversOutputOfBothStreams) {
  Shell("echo out; echo err >&2");
  ASSERT_TRUE(watcher_->WaitForEnd());
  EXPECT_EQ(watcher_->output(), "out\nerr\n");
}

TEST_F(ProcessPumpTest, DeliversWhatWasWrittenJustBeforeDeathFirst) {
  for (int i = 0; i < 30; ++i) {
    auto watcher = std::make_shared<Watcher>();
    Start({"sh", "-c", "echo last; printf words >&3; kill -9 $$"}, watcher);
    ASSERT_TRUE(watcher->WaitForEnd());
    EXPECT_EQ(watcher->output(), "last\n");
    EXPECT_EQ(watcher->control(), "words");
    EXPECT_FALSE(watcher->after_end());
    EXPECT_EQ(DescribeEnd(watcher->end().wait_status), "SIGKILL");
  }
}

// A script that captures into deleted files, hands them over and is killed.
std::string Captures(const std::string& files, const std::string& writes) {
  return absl::StrCat(
      "import array, os, signal, socket, tempfile\n"
      "def hand(*fds):\n"
      "    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS,\n"
      "              array.array('i', fds))\n"
      "    socket.socket(fileno=os.dup(3)).sendmsg([b'K'], [rights])\n"
      "out, err = (tempfile.TemporaryFile(buffering=0) for _ in '12')\n",
      files, "\n", writes, "\nos.kill(os.getpid(), signal.SIGKILL)\n");
}

TEST_F(ProcessPumpTest, DeliversWhatAProcessHadCapturedWhenItDied) {
  Python(Captures("hand(out.fileno(), err.fileno())",
                  "err.write(b'to err')\n"
                  "out.write(b'taken out already')\n"
                  "out.seek(0), out.truncate(), out.write(b'to out, ')"));
  ASSERT_TRUE(watcher_->WaitForEnd());
  EXPECT_EQ(watcher_->control(), "K");
  EXPECT_EQ(watcher_->end().captured, "to out, to err");
}

TEST_F(ProcessPumpTest, OnlyTheEndOfALargeCaptureIsRead) {
  Python(
      Captures("hand(out.fileno())", "out.write(b'x' * 10**7 + b'the end')"));
  ASSERT_TRUE(watcher_->WaitForEnd());
  EXPECT_EQ(watcher_->end().captured.size(), Processes::kMaxCaptured);
  EXPECT_TRUE(absl::EndsWith(watcher_->end().captured, "xthe end"));
}

TEST_F(ProcessPumpTest, HostileCapturesNeitherBlockNorLeak) {
  const size_t before = OpenDescriptors();
  Python(
      Captures("r, w = os.pipe()\n"
               "hand(r)\n"  // Nobody will ever write to it.
               "for i in range(20): hand(*[out.fileno()] * 20)",
               "out.write(b'once')"));
  ASSERT_TRUE(watcher_->WaitForEnd());
  EXPECT_EQ(watcher_->end().captured, "once");
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(ProcessPumpTest, SaysHowProcessesEnd) {
  const std::pair<const char*, const char*> cases[] = {
      {"exit 0", "exit status 0"},  {"exit 3", "exit status 3"},
      {"kill -SEGV $$", "SIGSEGV"}, {"kill -ABRT $$", "SIGABRT"},
      {"kill -35 $$", "signal 35"},
  };
  for (const auto& [script, how] : cases) {
    auto watcher = std::make_shared<Watcher>();
    Start({"sh", "-c", script}, watcher);
    ASSERT_TRUE(watcher->WaitForEnd()) << script;
    EXPECT_EQ(DescribeEnd(watcher->end().wait_status), how);
  }
}

TEST_F(ProcessPumpTest, SaysWhyAProcessNeverRan) {
  Start({"no-such-program"}, watcher_);
  ASSERT_TRUE(watcher_->WaitForEnd());
  EXPECT_TRUE(absl::IsNotFound(watcher_->end().start));
}

TEST_F(ProcessPumpTest, KillsTheWholeGroup) {
  const auto key = Shell("sleep 1000 & echo $!; wait");
  ASSERT_TRUE(watcher_->WaitForOutput("\n"));
  pump_.Kill(key);
  ASSERT_TRUE(watcher_->WaitForEnd());
  EXPECT_TRUE(Eventually([&] { return !IsRunning(PrintedPid()); }));
}

TEST_F(ProcessPumpTest, TheGroupDoesNotOutliveItsLeader) {
  Shell("sleep 1000 & echo $!");
  ASSERT_TRUE(watcher_->WaitForEnd());
  EXPECT_TRUE(Eventually([&] { return !IsRunning(PrintedPid()); }));
}

TEST_F(ProcessPumpTest, SignalsProcessAndGroup) {
  const auto key = Shell(
      "trap 'echo caught; exit 7' INT; echo ready; "
      "while :; do sleep 0.05; done");
  ASSERT_TRUE(watcher_->WaitForOutput("ready"));
  pump_.Signal(key, SIGINT);
  ASSERT_TRUE(watcher_->WaitForEnd());
  EXPECT_TRUE(absl::StrContains(watcher_->output(), "caught"));
}

TEST_F(ProcessPumpTest, KillsAProcessThatStopped) {
  const auto key = Shell("echo ready; kill -STOP $$");
  ASSERT_TRUE(watcher_->WaitForOutput("ready"));
  pump_.Kill(key);
  EXPECT_TRUE(watcher_->WaitForEnd());
}

TEST_F(ProcessPumpTest, ADaemonIsGoneAfterKillAll) {
  // Two forks, a session of its own, no descriptor of ours.
  Python(
      "import os, sys, time\n"
      "wrote, write = os.pipe()\n"
      "if os.fork() == 0:\n"
      "    os.setsid()\n"
      "    if os.fork() == 0:\n"
      "        os.write(1, b'%d\\n' % os.getpid())\n"
      "        os.write(write, b'.')\n"
      "        os.closerange(0, 100)\n"
      "        time.sleep(1000)\n"
      "    os._exit(0)\n"
      "os.wait()\n"
      "os.read(wrote, 1)");
  ASSERT_TRUE(watcher_->WaitForEnd());
  ASSERT_TRUE(watcher_->WaitForOutput("\n"));
  EXPECT_TRUE(IsRunning(PrintedPid()));
  EXPECT_EQ(KillAll(), 0);
  EXPECT_FALSE(IsRunning(PrintedPid()));
}

TEST_F(ProcessPumpTest, ADaemonThatWritesWithoutEndDoesNotHoldUpTheEnd) {
  Shell(
      "setsid sh -c 'while :; do echo flood; echo flood >&3; done' & "
      "sleep 0.2; exit 5");
  ASSERT_TRUE(watcher_->WaitForEnd(5));
  EXPECT_EQ(DescribeEnd(watcher_->end().wait_status), "exit status 5");
  EXPECT_EQ(KillAll(), 0);
}

TEST_F(ProcessPumpTest, KillAllTellsEveryoneAndNothingStartsLater) {
  std::vector<std::shared_ptr<Watcher>> watchers;
  for (int i = 0; i < 10; ++i) {
    watchers.push_back(std::make_shared<Watcher>());
    Start({"sleep", "1000"}, watchers.back());
  }
  EXPECT_EQ(KillAll(), 0);  // While their starts are pending.
  for (const auto& watcher : watchers) ASSERT_TRUE(watcher->WaitForEnd(0.5));
  Shell("sleep 1000");
  ASSERT_TRUE(watcher_->WaitForEnd());
  EXPECT_FALSE(watcher_->end().start.ok());
}

TEST_F(ProcessPumpTest, RunsTwoHundredProcesses) {
  std::vector<std::shared_ptr<Watcher>> watchers;
  for (int i = 0; i < 200; ++i) {
    watchers.push_back(std::make_shared<Watcher>());
    const auto key = Start({"cat", "/proc/self/fd/3"}, watchers.back());
    pump_.Write(key, "x");
    pump_.Kill(i % 3 == 0 ? key : 0);
    if (i % 3 != 0) pump_.Signal(key, SIGTERM);
  }
  for (const auto& watcher : watchers) EXPECT_TRUE(watcher->WaitForEnd());
}

TEST_F(ProcessPumpTest, EndedAndUnknownKeysAreIgnored) {
  const auto key = Shell("exit 0");
  ASSERT_TRUE(watcher_->WaitForEnd());
  for (const auto any : {key, key + 1000, uint64_t{0}}) {
    pump_.Kill(any);
    pump_.Signal(any, SIGINT);
    pump_.Write(any, "x");
  }
  auto other = std::make_shared<Watcher>();
  Start({"true"}, other);
  EXPECT_TRUE(other->WaitForEnd());
}

TEST_F(ProcessPumpTest, AProcessMayCloseItsControlChannelAndLiveOn) {
  const auto key = Shell("exec 3>&-; echo closed; sleep 0.3; exit 4");
  ASSERT_TRUE(watcher_->WaitForOutput("closed"));
  for (int i = 0; i < 100; ++i) pump_.Write(key, std::string(100000, 'x'));
  ASSERT_TRUE(watcher_->WaitForEnd());
  EXPECT_EQ(DescribeEnd(watcher_->end().wait_status), "exit status 4");
}

double CpuSeconds() {
  timespec now = {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return now.tv_sec + now.tv_nsec * 1e-9;
}

TEST_F(ProcessPumpTest, AProcessThatStopsReadingCostsNothing) {
  const auto key = Python(
      "import socket, time\n"
      "s = socket.socket(fileno=3)\n"
      "s.shutdown(socket.SHUT_RD)\n"
      "s.send(b'deaf')\n"
      "time.sleep(1)\n"
      "s.send(b'bye')");
  ASSERT_TRUE(watcher_->WaitForControl("deaf"));
  pump_.Write(key, "nobody reads this");
  const double before = CpuSeconds();
  ASSERT_TRUE(watcher_->WaitForControl("bye"));
  EXPECT_LT(CpuSeconds() - before, 0.4) << "it spins";
}

TEST_F(ProcessPumpTest, OutputComesInBoundedPieces) {
  Shell("head -c 100000000 /dev/zero");
  ASSERT_TRUE(watcher_->WaitForEnd(60));
  EXPECT_EQ(watcher_->total(), 100000000u);
  EXPECT_LE(watcher_->largest(), 1u << 16);
}

TEST_F(ProcessPumpTest, AControlFloodComesInBoundedPiecesAndHoldsUpNobody) {
  const auto key = Shell("exec cat /dev/zero >&3");
  ASSERT_TRUE(Eventually([&] { return watcher_->total() > 50000000; }));
  auto other = std::make_shared<Watcher>();
  Start({"sh", "-c", "echo alive"}, other);
  EXPECT_TRUE(other->WaitForEnd());
  pump_.Kill(key);
  ASSERT_TRUE(watcher_->WaitForEnd());
  EXPECT_LE(watcher_->largest(), 1u << 20);
}

TEST(ProcessPumpChildrenTest, LeavesChildrenFromBeforeAlone) {
  const pid_t decoy = fork();
  if (decoy == 0) {
    execlp("sleep", "sleep", "1000", nullptr);
    _exit(1);
  }
  { ProcessPump pump; }
  EXPECT_EQ(waitpid(decoy, nullptr, WNOHANG), 0) << "it was killed";
  kill(decoy, SIGKILL);
  waitpid(decoy, nullptr, 0);
}

TEST(ProcessPumpChildrenTest, LeavesNothingBehindWhenItIsDestroyed) {
  auto watcher = std::make_shared<Watcher>();
  {
    ProcessPump pump;
    ProcessRequest request;
    request.argv = {"sh", "-c", "sleep 1000 & setsid sleep 1000"};
    request.env = Environment();
    pump.Start(request, watcher);
    ASSERT_TRUE(Eventually([&] { return watcher->pid() > 0; }));
  }
  EXPECT_TRUE(watcher->WaitForEnd(0.1));
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "no child is left";
}

}  // namespace
}  // namespace dist
