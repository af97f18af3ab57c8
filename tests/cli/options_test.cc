#include "cli/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/cli/options_testing.h"

namespace dist {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(SplitVerbTest, TakesAVerbOnlyFirst) {
  struct Row {
    const char* why;
    Strings args;
    Verb verb;
    size_t left;
  };
  for (const Row& row : {
           Row{"nothing", {}, Verb::kRun, 0},
           Row{"a path", {"tests"}, Verb::kRun, 1},
           Row{"serve", {"serve", "--bind", "x"}, Verb::kServe, 2},
           Row{"doctor", {"doctor"}, Verb::kDoctor, 0},
           Row{"sync", {"sync"}, Verb::kSync, 0},
           Row{"plan", {"plan"}, Verb::kPlan, 0},
           Row{"history", {"history"}, Verb::kHistory, 0},
           Row{"./serve is a path", {"./serve"}, Verb::kRun, 1},
           Row{"not the second", {"-x", "serve"}, Verb::kRun, 2},
       }) {
    const Command command = SplitVerb(row.args);
    EXPECT_EQ(command.verb, row.verb) << row.why;
    EXPECT_EQ(command.args.size(), row.left) << row.why;
  }
}

TEST(ParseOptionsTest, DecidesWhereAndHow) {
  struct Row {
    const char* why;
    Strings args;
    DistMode dist;
    Strings tx;
    AutoWorkers automatic = AutoWorkers::kNone;
  };
  for (const Row& row : {
           Row{"nothing: here, one", {}, DistMode::kNo, {"popen"}},
           Row{"-n", {"-n", "3"}, DistMode::kLoad, {"3*popen"}},
           Row{"-n attached", {"-n3"}, DistMode::kLoad, {"3*popen"}},
           Row{"-n with =", {"-n=3"}, DistMode::kLoad, {"3*popen"}},
           Row{"-n long", {"--numprocesses=3"}, DistMode::kLoad, {"3*popen"}},
           Row{"-n 1 still distributes", {"-n1"}, DistMode::kLoad, {"popen"}},
           Row{"-n wins over --tx",
               {"-n2", "--tx", "ssh=h"},
               DistMode::kLoad,
               {"2*popen"}},
           Row{"hosts that come",
               {"--listen=4*h:1//nice=5", "--wait-hosts", "2"},
               DistMode::kLoad,
               {"4*listen=h:1//nice=5", "4*listen=h:1//nice=5"}},
           Row{"one that comes, beside others",
               {"--tx=popen", "--listen=[::]:0"},
               DistMode::kLoad,
               {"popen", "listen=[::]:0"}},
           Row{"-n keeps --dist",
               {"-n2", "--dist=each"},
               DistMode::kEach,
               {"2*popen"}},
           Row{"-n 0 is here, whatever else",
               {"-n0", "--dist=each", "--tx=ssh=h", "-d"},
               DistMode::kNo,
               {"popen"}},
           Row{"-n with a limit",
               {"-n8", "--maxprocesses=4"},
               DistMode::kLoad,
               {"4*popen"}},
           Row{"-n auto is the caller's",
               {"-n", "auto"},
               DistMode::kLoad,
               {},
               AutoWorkers::kAuto},
           Row{"-n logical, each",
               {"-nlogical", "--dist", "each"},
               DistMode::kEach,
               {},
               AutoWorkers::kLogical},
           Row{"the last -n counts",
               {"-nauto", "-n2"},
               DistMode::kLoad,
               {"2*popen"}},
           Row{"--tx distributes",
               {"--tx", "2*popen//id=a", "--tx=ssh=h"},
               DistMode::kLoad,
               {"2*popen//id=a", "ssh=h"}},
           Row{"--dist=no stays here",
               {"--dist=no", "--tx", "ssh=h"},
               DistMode::kNo,
               {"popen"}},
           Row{"-d wins over --dist before",
               {"--dist=each", "-d", "--tx=popen"},
               DistMode::kLoad,
               {"popen"}},
           Row{"-d wins over --dist after",
               {"-d", "--dist=each", "--tx=popen"},
               DistMode::kLoad,
               {"popen"}},
           Row{"-d alone has one worker", {"-d"}, DistMode::kLoad, {"popen"}},
           Row{"worksteal",
               {"--tx=popen", "--dist=worksteal"},
               DistMode::kWorkSteal,
               {"popen"}},
       }) {
    const Options options = Parsed(row.args);
    EXPECT_EQ(options.dist, row.dist) << row.why;
    EXPECT_EQ(TxOf(options), row.tx) << row.why;
    EXPECT_EQ(options.auto_workers, row.automatic) << row.why;
  }
}

TEST(ParseOptionsTest, TakesOurOptions) {
  const Options options = Parsed({"a.py",
                                  "--maxfail=3",
                                  "--timeout",
                                  "1.5",
                                  "--retries=2",
                                  "--lf",
                                  "-vvq",
                                  "-s",
                                  "--color=no",
                                  "--durations=0",
                                  "-rA",
                                  "--co",
                                  "--junitxml=j",
                                  "--report-log",
                                  "l",
                                  "--html=h",
                                  "--trace",
                                  "t",
                                  "--rsyncdir",
                                  "d1",
                                  "--rsyncdir=d2",
                                  "--rsyncignore",
                                  "*.log",
                                  "--no-sync",
                                  "--runner=gtest",
                                  "--testrunuid=uid",
                                  "b.py",
                                  "--maxschedchunk=9",
                                  "--max-worker-restart=0",
                                  "--no-loadscope-reorder",
                                  "--require-hosts=all",
                                  "--ssh",
                                  "openssh",
                                  "--lfnf=none"});
  EXPECT_THAT(options.paths, ElementsAre("a.py", "b.py"));
  EXPECT_EQ(options.max_fail, 3);
  EXPECT_EQ(options.timeout, absl::Milliseconds(1500));
  EXPECT_EQ(options.retries, 2);
  EXPECT_EQ(options.cache_order, CacheOrder::kLastFailed);
  EXPECT_EQ(options.verbosity, 1);
  EXPECT_TRUE(options.stream);
  EXPECT_EQ(options.color, Color::kNo);
  EXPECT_EQ(options.durations, 0);
  EXPECT_EQ(options.report_chars, "A");
  EXPECT_TRUE(options.collect_only);
  EXPECT_EQ(options.junit_xml, "j");
  EXPECT_EQ(options.report_log, "l");
  EXPECT_EQ(options.html, "h");
  EXPECT_EQ(options.trace, "t");
  EXPECT_THAT(options.rsyncdirs, ElementsAre("d1", "d2"));
  EXPECT_THAT(options.rsyncignore, ElementsAre("*.log"));
  EXPECT_TRUE(options.no_sync);
  EXPECT_EQ(options.runner, Runner::kGtest);
  EXPECT_EQ(options.test_run_uid, "uid");
  EXPECT_EQ(options.max_sched_chunk, 9);
  EXPECT_EQ(options.max_worker_restart, 0);
  EXPECT_FALSE(options.loadscope_reorder);
  EXPECT_TRUE(options.require_all_hosts);
  EXPECT_EQ(options.ssh, SshChoice::kOpenSsh);
  EXPECT_FALSE(options.run_all_if_none_failed);
  EXPECT_THAT(options.framework_args, IsEmpty());
}

TEST(ParseOptionsTest, StopsAtTheFirstFailureWithX) {
  EXPECT_EQ(Parsed({"-x"}).max_fail, 1);
  EXPECT_EQ(Parsed({"--exitfirst", "--maxfail=0"}).max_fail, 0);
  EXPECT_EQ(Parsed({"-xvn2"}).verbosity, 1);
  EXPECT_EQ(Parsed({"--timeout=0"}).timeout, std::nullopt);
}

TEST(ParseOptionsTest, HandsPytestItsOwn) {
  struct Row {
    const char* why;
    Strings args;
    Strings framework;
    Strings paths;
  };
  for (const Row& row : {
           Row{"short", {"-k", "a or b"}, {"-k", "a or b"}, {}},
           Row{"short, attached", {"-ka"}, {"-k", "a"}, {}},
           Row{"long", {"--tb", "short"}, {"--tb=short"}, {}},
           Row{"long with =", {"--tb=short"}, {"--tb=short"}, {}},
           Row{"an empty value", {"--deselect=", "x"}, {"--deselect="}, {"x"}},
           Row{"an empty word", {"-k", ""}, {"-k", ""}, {}},
           Row{"a value with = and blanks",
               {"-o", "a = b"},
               {"--override-ini=a = b"},
               {}},
           Row{"a value like an option, attached", {"-k-a"}, {"-k-a"}, {}},
           Row{"a value like an option with a blank",
               {"-m", "-a b"},
               {"-m-a b"},
               {}},
           Row{"flags", {"-l", "--pyargs"}, {"--showlocals", "--pyargs"}, {}},
           Row{"in order, between paths",
               {"a", "-k", "x", "-p", "no:y", "b", "--strict"},
               {"-k", "x", "-p", "no:y", "--strict"},
               {"a", "b"}},
           Row{"behind --, as it is",
               {"a", "-m", "x", "--", "--cov=a", "-n", "--", "b"},
               {"-m", "x", "--cov=a", "-n", "--", "b"},
               {"a"}},
           Row{"capture methods but no",
               {"--capture=sys"},
               {"--capture=sys"},
               {}},
           Row{"brackets and commas are no lists",
               {"--deselect=t.py::a[1,2]", "-k", "[a,b]", "t.py::x[a]"},
               {"--deselect=t.py::a[1,2]", "-k", "[a,b]"},
               {"t.py::x[a]"}},
           Row{"- and ++ are paths", {"-", "++"}, {}, {"-", "++"}},
       }) {
    const Options options = Parsed(row.args);
    EXPECT_EQ(options.framework_args, row.framework) << row.why;
    EXPECT_EQ(options.paths, row.paths) << row.why;
  }
}

TEST(ParseOptionsTest, KeepsWhatBothNeed) {
  const Options options =
      Parsed({"-c", "my.ini", "--rootdir=r", "--cache-clear", "--no-header",
              "--junit-prefix=p", "--capture=no"});
  EXPECT_EQ(options.inifile, "my.ini");
  EXPECT_EQ(options.rootdir, "r");
  EXPECT_TRUE(options.cache_clear);
  EXPECT_FALSE(options.show_header);
  EXPECT_EQ(options.junit_prefix, "p");
  EXPECT_TRUE(options.stream);
  EXPECT_THAT(options.framework_args,
              ElementsAre("-c", "my.ini", "--rootdir=r", "--cache-clear",
                          "--no-header", "--junit-prefix=p"));
}

TEST(SetLocalWorkersTest, ObeysMaxprocesses) {
  Options options = Parsed({"-nauto"});
  SetLocalWorkers(8, &options);
  EXPECT_THAT(TxOf(options), ElementsAre("8*popen"));
  options = Parsed({"-nauto", "--maxprocesses=2"});
  SetLocalWorkers(8, &options);
  EXPECT_THAT(TxOf(options), ElementsAre("2*popen"));
}

}  // namespace
}  // namespace dist
