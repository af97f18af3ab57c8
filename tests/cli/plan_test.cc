#include "cli/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/cli/temp_folder.h"
#include "transports/host_facts.h"

namespace dist {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;
using Strings = std::vector<std::string>;

// Each test is in a project folder of its own.
class PlanTest : public ::testing::Test {
 protected:
  PlanTest() {
    unsetenv("PYTEST_ADDOPTS");
    folder_.Write("pytest.ini", "[pytest]\n");
    EXPECT_EQ(chdir(folder_.path().c_str()), 0);
  }
  ~PlanTest() override { EXPECT_EQ(chdir("/"), 0); }

  absl::StatusOr<PlannedRun> Make(const Strings& args,
                                  const Screen& screen = {}) {
    const auto request = ReadRequest(args);
    if (!request.ok()) return request.status();
    return MakePlan(*request, args, screen);
  }
  RunPlan Plan(const Strings& args, const Screen& screen = {}) {
    const auto run = Make(args, screen);
    EXPECT_TRUE(run.ok()) << run.status();
    return run.ok() ? run->plan : RunPlan();
  }
  WorkerSetup Setup(const Strings& args, const Screen& screen = {}) {
    const RunPlan plan = Plan(args, screen);
    return plan.workers.empty() ? WorkerSetup() : plan.workers[0].setup;
  }

  TempFolder folder_;
};

Strings Names(const RunPlan& plan) {
  Strings names;
  for (const PlannedWorker& worker : plan.workers) {
    names.push_back(worker.setup.name);
  }
  return names;
}

std::vector<uint32_t> Kin(const RunPlan& plan) {
  std::vector<uint32_t> kin;
  for (const PlannedWorker& worker : plan.workers) kin.push_back(worker.kin);
  return kin;
}

std::vector<uint32_t> Platforms(const RunPlan& plan) {
  std::vector<uint32_t> platforms;
  for (const PlannedWorker& worker : plan.workers) {
    platforms.push_back(worker.platform.value());
  }
  return platforms;
}

TEST_F(PlanTest, IsOneWorkerHereUnlessMoreAreAskedFor) {
  const auto run = Make({});
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(run->plan.mode, "load");
  EXPECT_EQ(run->plan.rootdir, folder_.path());
  EXPECT_EQ(run->plan.inifile, "pytest.ini");
  EXPECT_THAT(Names(run->plan), ElementsAre("gw0"));
  ASSERT_THAT(run->plan.hosts, SizeIs(1));
  EXPECT_EQ(run->plan.hosts[0].name, "localhost");
  ASSERT_THAT(run->addresses, SizeIs(1));
  EXPECT_EQ(run->addresses[0].transport, "popen");
  EXPECT_EQ(run->addresses[0].name, "localhost");
}

TEST_F(PlanTest, MakesKinOfWorkersThatAreSpecifiedAlike) {
  const RunPlan plan = Plan({"--tx", "2*popen", "--tx", "2*popen//nice=1"});
  EXPECT_THAT(Names(plan), ElementsAre("gw0", "gw1", "gw2", "gw3"));
  EXPECT_THAT(Kin(plan), ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(Platforms(plan), ElementsAre(0, 0, 0, 0));
  EXPECT_THAT(plan.platforms, ElementsAre(""));
  for (const PlannedWorker& worker : plan.workers) {
    EXPECT_EQ(worker.host, HostId(0));
    EXPECT_EQ(worker.setup.worker_count, 4u);
  }
}

TEST_F(PlanTest, MakesAPlatformOfEachWorker) {
  const RunPlan plan =
      Plan({"--dist=each", "--tx", "popen//python=python3.8", "--tx",
            "popen//python=python3.9", "--tx", "popen//id=mine"});
  EXPECT_EQ(plan.mode, "each");
  EXPECT_THAT(Kin(plan), ElementsAre(0, 1, 2));
  EXPECT_THAT(Platforms(plan), ElementsAre(0, 1, 2));
  EXPECT_THAT(plan.platforms,
              ElementsAre("python=python3.8", "python=python3.9", "mine"));
}

TEST_F(PlanTest, TellsWorkersWhatTheirSpecificationSays) {
  const WorkerSetup setup =
      Setup({"--tx",
             "popen//id=w//python=python3.9//chdir=/tmp//env:A=1//env:B=//"
             "nice=5//dont_write_bytecode"});
  EXPECT_EQ(setup.name, "w");
  EXPECT_EQ(setup.framework, "pytest");
  EXPECT_EQ(setup.python, "python3.9");
  EXPECT_EQ(setup.chdir, "/tmp");
  EXPECT_THAT(setup.env, ElementsAre(Pair("A", "1"), Pair("B", ""),
                                     Pair("PYTHONDONTWRITEBYTECODE", "1")));
  EXPECT_EQ(setup.nice, 5);
  const WorkerSetup plain = Setup({});
  EXPECT_EQ(plain.python, "");
  EXPECT_EQ(plain.chdir, "");
  EXPECT_THAT(plain.env, IsEmpty());
  EXPECT_EQ(plain.nice, 0);
}

TEST_F(PlanTest, HandsPytestItsArguments) {
  folder_.Write("t.py", "");
  const Strings args = {"-vv", "-s", "-k", "a or b", "t.py::x", "-n2"};
  const WorkerSetup setup = Setup(args);
  EXPECT_THAT(setup.args, ElementsAre("-o", "addopts=", "-v", "-v", "-s", "-k",
                                      "a or b", "t.py::x"));
  EXPECT_EQ(setup.main_args, args);
  EXPECT_TRUE(setup.stream_output);
  EXPECT_THAT(Setup({"-q"}).args, ElementsAre("-o", "addopts="));
}

TEST_F(PlanTest, TellsWorkersHowTheUserSeesTheOutput) {
  Screen screen;
  screen.color = true;
  screen.columns = 132;
  WorkerSetup setup =
      Setup({"--report-log=l", "-rA", "--co", "--timeout=1.5"}, screen);
  EXPECT_TRUE(setup.color);
  EXPECT_EQ(setup.columns, 132u);
  EXPECT_TRUE(setup.report_log);
  EXPECT_TRUE(setup.passed_sections);
  EXPECT_TRUE(setup.collect_only);
  EXPECT_FALSE(setup.stream_output);
  EXPECT_EQ(setup.timeout_ms, 1500u);
  setup = Setup({});
  EXPECT_FALSE(setup.color);
  EXPECT_FALSE(setup.report_log);
  EXPECT_FALSE(setup.passed_sections);
  EXPECT_FALSE(setup.collect_only);
  EXPECT_EQ(setup.timeout_ms, 0u);
  EXPECT_EQ(Setup({"--timeout=0.0001"}).timeout_ms, 1u) << "0 means none";
}

TEST_F(PlanTest, GivesTheWholeRunOneUid) {
  EXPECT_EQ(Setup({"--testrunuid=mine"}).run_uid, "mine");
  const RunPlan plan = Plan({"-n2"});
  EXPECT_EQ(plan.workers[0].setup.run_uid, plan.workers[1].setup.run_uid);
  EXPECT_THAT(plan.workers[0].setup.run_uid, SizeIs(32));
  EXPECT_NE(Plan({}).workers[0].setup.run_uid,
            Plan({}).workers[0].setup.run_uid);
}

TEST_F(PlanTest, LimitsRestartsToFourAWorker) {
  EXPECT_EQ(Plan({}).max_restarts, 4u);
  EXPECT_EQ(Plan({"-n3"}).max_restarts, 12u);
  EXPECT_EQ(Plan({"-n3", "--max-worker-restart=0"}).max_restarts, 0u);
  EXPECT_EQ(Plan({"-n3", "--max-worker-restart=1"}).max_restarts, 1u);
}

TEST_F(PlanTest, PassesLimitsOn) {
  const RunPlan plan =
      Plan({"--maxschedchunk=9", "--maxfail=3", "--retries=2", "--co"});
  EXPECT_EQ(plan.max_chunk, 9u);
  EXPECT_EQ(plan.maxfail, 3u);
  EXPECT_EQ(plan.retries, 2u);
  EXPECT_TRUE(plan.collect_only);
  EXPECT_EQ(Plan({}).max_chunk, 0u);
}

TEST_F(PlanTest, SelectsWhatFailedLastTime) {
  folder_.Write(".pytest_cache/v/cache/lastfailed",
                "{\"t.py::a\": true, \"t.py::b\": true}");
  struct Row {
    const char* why;
    Strings args;
    Selection::Kind kind;
    bool reads;
  };
  for (const Row& row : {
           Row{"all", {}, Selection::Kind::kAll, false},
           Row{"--lf", {"--lf"}, Selection::Kind::kLastFailed, true},
           Row{"--ff", {"--ff"}, Selection::Kind::kFailedFirst, true},
           Row{"a cleared cache",
               {"--lf", "--cache-clear"},
               Selection::Kind::kLastFailed,
               false},
       }) {
    const Selection selection = Plan(row.args).selection;
    EXPECT_EQ(selection.kind, row.kind) << row.why;
    if (row.reads) {
      EXPECT_THAT(selection.failed, UnorderedElementsAre("t.py::a", "t.py::b"))
          << row.why;
    } else {
      EXPECT_THAT(selection.failed, IsEmpty()) << row.why;
    }
  }
}

TEST_F(PlanTest, SaysWhatIsNotBuilt) {
  struct Row {
    Strings args;
    const char* what;
  };
  for (const Row& row : {
           Row{{"--runner=gtest"}, "a --runner other than pytest"},
           Row{{"--html=h"}, "--html"},
           Row{{"--trace=t"}, "--trace"},
           Row{{"--lf", "--lfnf=none"}, "--lfnf=none"},
       }) {
    const auto run = Make(row.args);
    EXPECT_EQ(run.status().code(), absl::StatusCode::kUnimplemented)
        << row.what;
    EXPECT_THAT(std::string(run.status().message()),
                StartsWith(absl::StrCat(row.what, " is not built yet\nhelp: ")))
        << row.what;
  }
}

TEST_F(PlanTest, FindsMissingPathsBeforeAnythingStarts) {
  folder_.Write("there/t.py", "");
  EXPECT_TRUE(Make({"there", "there/t.py::test[a::b]"}).ok());
  const auto run = Make({"there", "gone\x1b/t.py::a"});
  EXPECT_EQ(run.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(std::string(run.status().message()),
            absl::StrCat("no such file or directory: gone\\x1b/t.py\nhelp: "
                         "paths are relative to ",
                         folder_.path(), "; names of modules need --pyargs"));
  EXPECT_TRUE(Make({"--pyargs", "a.module"}).ok());
  EXPECT_TRUE(Make({"--tx=popen//chdir=/elsewhere", "gone"}).ok());
}

TEST_F(PlanTest, PutsWorkersOnTheirHosts) {
  const auto run =
      Make({"--tx=2*popen", "--tx=exec=sh", "--no-sync", "gone/on/this/host"});
  ASSERT_TRUE(run.ok()) << run.status();
  ASSERT_THAT(run->plan.hosts, SizeIs(2));
  EXPECT_EQ(run->plan.hosts[1].name, "sh");
  EXPECT_EQ(run->addresses[1].command, "sh");
  EXPECT_EQ(run->plan.workers[1].host, HostId(0));
  EXPECT_EQ(run->plan.workers[2].host, HostId(1));
}

TEST_F(PlanTest, RefusesWorkersOfOneName) {
  EXPECT_EQ(Make({"--tx=popen//id=a", "--tx=popen//id=a"}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

class ReadRequestTest : public PlanTest {};

TEST_F(ReadRequestTest, ReadsEverySourceOfOptions) {
  folder_.Write("pytest.ini", "[pytest]\naddopts = -n 2 --retries=2 -k x\n");
  folder_.Write("dist.toml", "retries = 1\nmaxfail = 7\n");
  setenv("PYTEST_ADDOPTS", "--timeout=3 -m 'a b'", 1);
  const auto request = ReadRequest({"-n3"});
  unsetenv("PYTEST_ADDOPTS");
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->options.tx[0].count, 3);
  EXPECT_EQ(request->options.retries, 2);
  EXPECT_EQ(request->options.max_fail, 7);
  EXPECT_EQ(request->options.timeout, absl::Seconds(3));
  EXPECT_THAT(request->options.framework_args,
              ElementsAre("-k", "x", "-m", "a b"));
}

TEST_F(ReadRequestTest, SaysWhichSourceIsWrong) {
  setenv("PYTEST_ADDOPTS", "-k 'a", 1);
  const absl::Status env = ReadRequest({}).status();
  unsetenv("PYTEST_ADDOPTS");
  EXPECT_THAT(std::string(env.message()), StartsWith("PYTEST_ADDOPTS: "));
  EXPECT_THAT(std::string(env.message()),
              HasSubstr("\nhelp: quote it as for a shell"));
  folder_.Write("dist.toml", "retrys = 1\n");
  EXPECT_THAT(std::string(ReadRequest({}).status().message()),
              StartsWith(folder_.Path("dist.toml") + ":1"));
}

TEST_F(ReadRequestTest, CountsTheCpusForAuto) {
  const auto request = ReadRequest({"-n", "auto"});
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->options.tx[0].count, UsableCpus());
}

TEST_F(ReadRequestTest, FindsTheProjectFromBelow) {
  folder_.Write("sub/t.py", "");
  ASSERT_EQ(chdir(folder_.Path("sub").c_str()), 0);
  const auto request = ReadRequest({"t.py"});
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->rootdir, folder_.path());
  EXPECT_EQ(request->inifile, "pytest.ini");
  const std::string ini = folder_.Path("pytest.ini");
  EXPECT_EQ(ReadRequest({"-c", ini, "--rootdir=."})->inifile, ini);
}

TEST_F(ReadRequestTest, GivesHelpInABrokenProject) {
  folder_.Write("pytest.ini", "nonsense");
  const auto request = ReadRequest({"--help"});
  ASSERT_TRUE(request.ok());
  EXPECT_TRUE(request->options.help);
  EXPECT_FALSE(ReadRequest({}).ok());
}

}  // namespace
}  // namespace dist
