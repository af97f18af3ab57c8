#include "cli/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/text.h"

namespace dist {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using Strings = std::vector<std::string>;

absl::StatusOr<Options> ParseArgs(Strings args) {
  OptionSources sources;
  sources.args = std::move(args);
  return ParseOptions(sources);
}

Options Parsed(const OptionSources& sources) {
  const auto options = ParseOptions(sources);
  EXPECT_TRUE(options.ok()) << options.status();
  return options.ok() ? *options : Options();
}

Options Parsed(Strings args) {
  OptionSources sources;
  sources.args = std::move(args);
  return Parsed(sources);
}

Strings TxOf(const Options& options) {
  Strings texts;
  for (const XSpec& spec : options.tx) texts.push_back(Format(spec));
  return texts;
}

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

TEST(ParseOptionsTest, RefusesWhatIsWrong) {
  struct Row {
    const char* why;
    Strings args;
    const char* cause;
    const char* help;
  };
  for (const Row& row : {
           Row{"a typing error",
               {"--maxfial=3"},
               "unknown option '--maxfial'",
               "did you mean '--maxfail'?"},
           Row{"a plug-in's",
               {"--cov", "x"},
               "unknown option '--cov'",
               "go after '--'"},
           Row{"one letter", {"-Z"}, "unknown option '-Z'", "go after '--'"},
           Row{"one letter in a bundle",
               {"-xZ"},
               "unknown option '-Z'",
               "go after '--'"},
           Row{"no value at the end", {"--tx"}, "--tx needs a value", "--help"},
           Row{"an option for a value",
               {"--tx", "-x"},
               "--tx needs a value",
               "--help"},
           Row{"nothing before --",
               {"-k", "--", "a"},
               "-k needs a value",
               "--help"},
           Row{"a value too many",
               {"--lf=yes"},
               "--lf takes no value",
               "only --lf"},
           Row{"a bad spec",
               {"--tx=pope"},
               "--tx 'pope': unknown key 'pope'",
               "did you mean 'popen'?"},
           Row{"less than no worker",
               {"-n", "-1"},
               "-n: '-1' is no number",
               "-n auto"},
           Row{"no number of workers",
               {"-nfew"},
               "-n: 'few' is no number",
               "-n auto"},
           Row{"a bad mode",
               {"--dist=loadfiel"},
               "--dist: unknown value",
               "did you mean 'loadfile'?"},
           Row{"a mode from nowhere",
               {"--dist=xyzzy"},
               "--dist: unknown value 'xyzzy'",
               "one of load, each"},
           Row{"a bad runner",
               {"--runner=nose"},
               "--runner: unknown value",
               "one of pytest"},
           Row{"a negative number",
               {"--maxfail=-1"},
               "--maxfail: '-1'",
               "--maxfail=4"},
           Row{"no number", {"--retries", "x"}, "--retries: 'x'", "as in"},
           Row{"no seconds",
               {"--timeout=soon"},
               "--timeout: 'soon'",
               "--timeout=60"},
           Row{"endless seconds",
               {"--timeout=inf"},
               "--timeout: 'inf'",
               "--timeout=60"},
           Row{"chunks of nothing",
               {"--maxschedchunk=0"},
               "--maxschedchunk: '0'",
               "as in"},
           Row{"a debugger", {"--pdb"}, "--pdb does not work", "pytest"},
           Row{"an optional value left out",
               {"--debug"},
               "--debug does not work",
               "pytest"},
           Row{"an optional value given",
               {"--debug=x"},
               "--debug does not work",
               "pytest"},
           Row{"control characters", {"--\x1b[2J"}, "'--\\x1b[2J'", "go after"},
       }) {
    const auto options = ParseArgs(row.args);
    ASSERT_FALSE(options.ok()) << row.why;
    EXPECT_EQ(options.status().code(), absl::StatusCode::kInvalidArgument);
    const std::string message(options.status().message());
    EXPECT_THAT(message.substr(0, message.find('\n')), HasSubstr(row.cause))
        << row.why;
    ASSERT_THAT(message, HasSubstr("\nhelp: ")) << row.why;
    EXPECT_THAT(message.substr(message.find("\nhelp: ")), HasSubstr(row.help))
        << row.why;
  }
}

TEST(ParseOptionsTest, LaterSourcesWin) {
  OptionSources sources;
  sources.settings = {{"maxfail", {"1"}, "dist.toml:1"},
                      {"retries", {"1"}, "dist.toml:2"},
                      {"timeout", {"1"}, "dist.toml:3"},
                      {"color", {"yes"}, "dist.toml:4"}};
  sources.ini_addopts = {"--maxfail=2", "--retries=2", "--timeout=2"};
  sources.env_addopts = {"--maxfail=3", "--retries=3"};
  sources.args = {"--maxfail=4"};
  const Options options = Parsed(sources);
  EXPECT_EQ(options.max_fail, 4);
  EXPECT_EQ(options.retries, 3);
  EXPECT_EQ(options.timeout, absl::Seconds(2));
  EXPECT_EQ(options.color, Color::kYes);
}

TEST(ParseOptionsTest, CombinesWhereOverSources) {
  struct Row {
    const char* why;
    Strings toml_tx;
    std::string toml_n;
    Strings ini;
    Strings args;
    Strings tx;
  };
  for (const Row& row : {
           Row{"dist.toml alone", {"ssh=a"}, "", {}, {}, {"ssh=a"}},
           Row{"--tx replaces that of dist.toml",
               {"ssh=a"},
               "",
               {},
               {"--tx=ssh=b"},
               {"ssh=b"}},
           Row{"--tx of addopts stays, as in xdist",
               {"ssh=z"},
               "",
               {"--tx=ssh=a"},
               {"--tx=ssh=b"},
               {"ssh=a", "ssh=b"}},
           Row{"--tx drops an earlier -n",
               {},
               "4",
               {"-n3"},
               {"--tx=ssh=b"},
               {"ssh=b"}},
           Row{"-n drops an earlier --tx",
               {},
               "",
               {"--tx=ssh=a"},
               {"-n2"},
               {"2*popen"}},
           Row{"-n of dist.toml", {}, "2", {}, {"-v"}, {"2*popen"}},
           Row{"-n 0 on the command line",
               {"ssh=a"},
               "",
               {"-n3"},
               {"-n0"},
               {"popen"}},
       }) {
    OptionSources sources;
    if (!row.toml_tx.empty())
      sources.settings.push_back({"tx", row.toml_tx, ""});
    if (!row.toml_n.empty())
      sources.settings.push_back({"n", {row.toml_n}, ""});
    sources.ini_addopts = row.ini;
    sources.args = row.args;
    EXPECT_EQ(TxOf(Parsed(sources)), row.tx) << row.why;
  }
}

TEST(ParseOptionsTest, LetsTheCommandLinesDistWinOverEarlierD) {
  OptionSources sources;
  sources.ini_addopts = {"-d"};
  sources.args = {"--dist=each", "--tx=popen"};
  EXPECT_EQ(Parsed(sources).dist, DistMode::kEach);
}

TEST(ParseOptionsTest, PassesOnWhatAddoptsHasOfPlugins) {
  struct Row {
    const char* why;
    Strings addopts;
    Strings framework;
    Strings paths;
  };
  for (const Row& row : {
           Row{"a flag, then an option of ours",
               {"--cov", "-n2"},
               {"--cov"},
               {}},
           Row{"with =", {"--cov=a", "tests"}, {"--cov=a"}, {"tests"}},
           Row{"with what may be its value",
               {"--cov", "a", "-k", "b"},
               {"--cov", "a", "-k", "b"},
               {}},
           Row{"in a bundle", {"-vZ"}, {"-Z"}, {}},
           Row{"in order",
               {"-k", "a", "--cov=b", "-m", "c"},
               {"-k", "a", "--cov=b", "-m", "c"},
               {}},
       }) {
    OptionSources sources;
    sources.ini_addopts = row.addopts;
    const Options options = Parsed(sources);
    EXPECT_EQ(options.framework_args, row.framework) << row.why;
    EXPECT_EQ(options.paths, row.paths) << row.why;
  }
}

TEST(ParseOptionsTest, SaysWhereAnErrorComesFrom) {
  OptionSources ini;
  ini.ini_addopts = {"-nx"};
  ini.ini_path = "/p/pytest.ini";
  EXPECT_THAT(std::string(ParseOptions(ini).status().message()),
              StartsWith("/p/pytest.ini: addopts: -n: 'x'"));
  OptionSources env;
  env.env_addopts = {"--dist=x"};
  EXPECT_THAT(std::string(ParseOptions(env).status().message()),
              StartsWith("PYTEST_ADDOPTS: --dist: unknown value 'x'"));
  OptionSources toml;
  toml.settings = {{"maxfail", {"x"}, "dist.toml:7"}};
  EXPECT_THAT(std::string(ParseOptions(toml).status().message()),
              StartsWith("dist.toml:7: --maxfail: 'x'"));
}

TEST(ParseOptionsTest, AppliesEverySettingThatItNames) {
  for (const SettingName& name : SettingNames()) {
    OptionSources sources;
    Setting setting{name.name, {}, "dist.toml:1"};
    if (name.takes != SettingName::Takes::kNothing) setting.values = {"1"};
    sources.settings = {setting};
    const auto options = ParseOptions(sources);
    EXPECT_NE(options.status().code(), absl::StatusCode::kInternal)
        << name.name;
  }
}

TEST(ParseOptionsTest, GivesHelpWhateverElseIsWrong) {
  EXPECT_TRUE(Parsed({"--nonsense", "--help"}).help);
  EXPECT_TRUE(Parsed({"-V"}).version);
  EXPECT_FALSE(Parsed({"--", "--help"}).help);
}

TEST(SetLocalWorkersTest, ObeysMaxprocesses) {
  Options options = Parsed({"-nauto"});
  SetLocalWorkers(8, &options);
  EXPECT_THAT(TxOf(options), ElementsAre("8*popen"));
  options = Parsed({"-nauto", "--maxprocesses=2"});
  SetLocalWorkers(8, &options);
  EXPECT_THAT(TxOf(options), ElementsAre("2*popen"));
}

TEST(HelpTextTest, BeginsWithFiveExamplesThatParse) {
  const std::string help = HelpText();
  const std::string examples = help.substr(0, help.find("usage:"));
  int count = 0;
  for (const absl::string_view line : absl::StrSplit(examples, '\n')) {
    if (!absl::StartsWith(line, "dist ")) continue;
    ++count;
    const auto words = SplitShellWords(line.substr(5));
    ASSERT_TRUE(words.ok()) << line;
    EXPECT_TRUE(ParseArgs(*words).ok()) << line;
  }
  EXPECT_EQ(count, 5);
}

TEST(HelpTextTest, ListsTheOptionsOfTheContractInEightyColumns) {
  const std::string help = HelpText();
  for (const char* option : {"--tx SPEC",
                             "-n, --numprocesses N|auto",
                             "  -d ",
                             "--dist MODE",
                             "--rsyncdir DIR",
                             "--rsyncignore GLOB",
                             "--no-sync",
                             "--runner NAME",
                             "-x, --exitfirst",
                             "--maxfail N",
                             "--max-worker-restart N",
                             "--maxschedchunk N",
                             "--no-loadscope-reorder",
                             "--testrunuid S",
                             "--maxprocesses N",
                             "--timeout SECONDS",
                             "--retries N",
                             "--lf",
                             "--ff",
                             "--junitxml",
                             "--report-log PATH",
                             "--html PATH",
                             "--trace PATH",
                             "-q, --quiet",
                             "-v, --verbose",
                             "  -s ",
                             "--color",
                             "--durations N",
                             "-r CHARS",
                             "--collect-only"}) {
    EXPECT_THAT(help, HasSubstr(option));
  }
  for (const absl::string_view line : absl::StrSplit(help, '\n')) {
    EXPECT_LE(line.size(), 80u) << line;
  }
}

TEST(VersionTextTest, NamesTheProgram) {
  EXPECT_EQ(VersionText(), "dist 0.1.0\n");
}

}  // namespace
}  // namespace dist
