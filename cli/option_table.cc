#include "cli/option_table.h"

#include <cmath>
#include <type_traits>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/nearest.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"

namespace dist {
namespace {

using Takes = OptionRow::Takes;
using Apply = decltype(OptionRow::apply);
using Strings = std::vector<std::string>;

// A word of a fixed set and what it means.
template <class T>
struct Choice {
  const char* word;
  T value;
};

const std::vector<Choice<DistMode>>& DistModes() {
  static const auto* modes = new std::vector<Choice<DistMode>>{
      {"load", DistMode::kLoad},
      {"each", DistMode::kEach},
      {"loadscope", DistMode::kLoadScope},
      {"loadfile", DistMode::kLoadFile},
      {"loadgroup", DistMode::kLoadGroup},
      {"worksteal", DistMode::kWorkSteal},
      {"no", DistMode::kNo},
  };
  return *modes;
}

template <class T>
absl::StatusOr<T> Choose(const Use& use, const std::vector<Choice<T>>& all) {
  Strings words;
  for (const Choice<T>& choice : all) {
    if (use.value == choice.word) return choice.value;
    words.push_back(choice.word);
  }
  std::string listed;
  for (const std::string& word : words) {
    absl::StrAppend(&listed, listed.empty() ? "one of " : ", ", word);
  }
  return UsageError(
      absl::StrCat(use.name, ": unknown value '", Printable(use.value), "'"),
      DidYouMean(use.value, words, listed));
}

absl::StatusOr<int> WholeNumber(const Use& use, int least) {
  int number = 0;
  if (absl::SimpleAtoi(use.value, &number) && number >= least) return number;
  return UsageError(absl::StrCat(use.name, ": '", Printable(use.value),
                                 "' is no whole number of ", least, " or more"),
                    absl::StrCat("as in ", use.name, "=", least + 4));
}

absl::StatusOr<double> Seconds(const Use& use) {
  double seconds = 0;
  if (absl::SimpleAtod(use.value, &seconds) && std::isfinite(seconds) &&
      seconds >= 0) {
    return seconds;
  }
  return UsageError(absl::StrCat(use.name, ": '", Printable(use.value),
                                 "' is no number of seconds"),
                    absl::StrCat("as in ", use.name, "=60"));
}

// Setters, one for each shape of option.

Apply SetFlag(bool Options::*field, bool value = true) {
  return [=](const Use&, Draft* draft) {
    draft->out.*field = value;
    return absl::OkStatus();
  };
}

Apply SetText(std::string Options::*field) {
  return [=](const Use& use, Draft* draft) {
    draft->out.*field = use.value;
    return absl::OkStatus();
  };
}

// `field` is an int or an optional<int>.
template <class Field>
Apply SetNumber(Field Options::*field, int least) {
  return [=](const Use& use, Draft* draft) -> absl::Status {
    DIST_ASSIGN_OR_RETURN(draft->out.*field, WholeNumber(use, least));
    return absl::OkStatus();
  };
}

template <class T>
Apply SetChoice(T Options::*field, std::vector<Choice<T>> choices) {
  return [=](const Use& use, Draft* draft) -> absl::Status {
    DIST_ASSIGN_OR_RETURN(draft->out.*field, Choose(use, choices));
    return absl::OkStatus();
  };
}

Apply AddVerbosity(int change) {
  return [=](const Use&, Draft* draft) {
    draft->out.verbosity += change;
    return absl::OkStatus();
  };
}

Apply SetOrder(CacheOrder order) {
  return [=](const Use&, Draft* draft) {
    draft->out.cache_order = order;
    return absl::OkStatus();
  };
}

Apply Append(Strings Options::*field, std::optional<Source> Draft::*from) {
  return [=](const Use& use, Draft* draft) {
    // dist.toml holds defaults; the other sources add to each other.
    if (draft->*from == Source::kSettings &&
        draft->source != Source::kSettings) {
      (draft->out.*field).clear();
    }
    draft->*from = draft->source;
    (draft->out.*field).push_back(use.value);
    return absl::OkStatus();
  };
}

// Forgets where an earlier source wanted to run. xdist's addopts add up: what
// PYTEST_ADDOPTS and ini files say in --tx is kept beside later --tx.
void TakeOverWhere(Draft* draft, bool keep_tx) {
  if (draft->where_from == draft->source) return;
  if (draft->where_from == Source::kSettings || !keep_tx) {
    draft->out.tx.clear();
  }
  draft->numprocesses.reset();
  draft->out.auto_workers = AutoWorkers::kNone;
  draft->where_from = draft->source;
}

absl::Status ApplyTx(const Use& use, Draft* draft) {
  DIST_ASSIGN_OR_RETURN(XSpec spec, ParseXSpec(use.value));
  TakeOverWhere(draft, /*keep_tx=*/true);
  draft->out.tx.push_back(std::move(spec));
  return absl::OkStatus();
}

// "4*0.0.0.0:8888//chdir=x" is "4*listen=0.0.0.0:8888//chdir=x".
absl::Status ApplyListen(const Use& use, Draft* draft) {
  size_t at = use.value.find_first_not_of("0123456789");
  at = at != 0 && at != std::string::npos && use.value[at] == '*' ? at + 1 : 0;
  return ApplyTx({use.name, absl::StrCat(use.value.substr(0, at),
                                         "listen=", use.value.substr(at))},
                 draft);
}

absl::Status ApplyNumProcesses(const Use& use, Draft* draft) {
  int number = 0;
  AutoWorkers automatic = AutoWorkers::kNone;
  if (use.value == "auto") {
    automatic = AutoWorkers::kAuto;
  } else if (use.value == "logical") {
    automatic = AutoWorkers::kLogical;
  } else if (!absl::SimpleAtoi(use.value, &number) || number < 0 ||
             number > kMaxWorkersPerSpec) {
    return UsageError(absl::StrCat("-n: '", Printable(use.value),
                                   "' is no number of workers"),
                      "-n 4, -n auto, or -n 0 for one without distribution");
  }
  TakeOverWhere(draft, /*keep_tx=*/false);
  draft->out.auto_workers = automatic;
  draft->numprocesses = number;
  return absl::OkStatus();
}

absl::Status ApplyDist(const Use& use, Draft* draft) {
  DIST_ASSIGN_OR_RETURN(const DistMode mode, Choose(use, DistModes()));
  if (!draft->load_flag) draft->dist = mode;
  return absl::OkStatus();
}

absl::Status ApplyLoadFlag(const Use&, Draft* draft) {
  draft->dist = DistMode::kLoad;
  draft->load_flag = true;
  return absl::OkStatus();
}

absl::Status ApplyExitFirst(const Use&, Draft* draft) {
  draft->out.max_fail = 1;
  return absl::OkStatus();
}

absl::Status ApplyTimeout(const Use& use, Draft* draft) {
  DIST_ASSIGN_OR_RETURN(const double seconds, Seconds(use));
  draft->out.timeout.reset();
  // 0 means none, as in pytest-timeout.
  if (seconds > 0) draft->out.timeout = absl::Seconds(seconds);
  return absl::OkStatus();
}

absl::Status ApplyRequireHosts(const Use& use, Draft* draft) {
  DIST_ASSIGN_OR_RETURN(draft->out.require_all_hosts,
                        Choose<bool>(use, {{"all", true}, {"any", false}}));
  return absl::OkStatus();
}

absl::Status ApplyFetch(const Use& use, Draft* draft) {
  draft->out.fetch.push_back(use.value);
  return absl::OkStatus();
}

absl::Status ApplyVerbosity(const Use& use, Draft* draft) {
  if (absl::SimpleAtoi(use.value, &draft->out.verbosity)) {
    return absl::OkStatus();
  }
  return UsageError(absl::StrCat(use.name, ": '", Printable(use.value),
                                 "' is no whole number"),
                    "as in --verbosity=1");
}

// For pytest, as it is: "--tb=short", "-k", "expression".
absl::Status ToFramework(const Use& use, Draft* draft) {
  Strings& args = draft->out.framework_args;
  if (absl::StartsWith(use.name, "--")) {
    args.push_back(absl::StrCat(use.name, "=", use.value));
  } else if (absl::StartsWith(use.value, "-")) {
    args.push_back(use.name + use.value);  // Apart, it would be an option.
  } else {
    args.insert(args.end(), {use.name, use.value});
  }
  return absl::OkStatus();
}

// With a key and a host of its own a project would have itself sent there.
absl::Status ApplyKeyFile(const Use& use, Draft* draft) {
  if (draft->source == Source::kSettings || draft->source == Source::kIni) {
    return UsageError("--key-file may not come from a project's files",
                      "give it on the command line, or set DIST_KEY_FILE");
  }
  draft->out.key_file = use.value;
  return absl::OkStatus();
}

absl::Status ApplyWaitHosts(const Use& use, Draft* draft) {
  DIST_ASSIGN_OR_RETURN(draft->out.wait_hosts, WholeNumber(use, 1));
  if (draft->out.wait_hosts <= kMaxWorkersPerSpec) return absl::OkStatus();
  return UsageError("--wait-hosts: too many hosts",
                    absl::StrCat("at most ", kMaxWorkersPerSpec));
}

absl::Status FlagToFramework(const Use& use, Draft* draft) {
  draft->out.framework_args.push_back(use.name);
  return absl::OkStatus();
}

// For both: for us, then for pytest.
Apply Both(Apply ours, Apply theirs) {
  return [=](const Use& use, Draft* draft) {
    const absl::Status status = ours(use, draft);
    return status.ok() ? theirs(use, draft) : status;
  };
}

Apply SetOptionalText(std::optional<std::string> Options::*field) {
  return Both(
      [=](const Use& use, Draft* draft) {
        draft->out.*field = use.value;
        return absl::OkStatus();
      },
      ToFramework);
}

absl::Status ApplyCapture(const Use& use, Draft* draft) {
  draft->out.stream = use.value == "no";
  return use.value == "no" ? absl::OkStatus() : ToFramework(use, draft);
}

Apply Refuse(std::string help) {
  return [=](const Use& use, Draft*) {
    return UsageError(absl::StrCat(use.name, " does not work with dist"), help);
  };
}

// The parts of the table. Rows with help are dist's own; those of pytest are
// in the order of pytest --help.

void AddWhere(std::vector<OptionRow>* rows) {
  rows->insert(
      rows->end(),
      {{"--tx", Takes::kValue, "SPEC",
        "add workers: 4*popen, ssh=user@host, socket=host:8888, exec=COMMAND",
        true, ApplyTx},
       {"-n,--numprocesses", Takes::kValue, "N|auto",
        "N local workers; auto: as many as CPUs we may use", false,
        ApplyNumProcesses},
       {"-d", Takes::kNothing, "", "same as --dist=load", false, ApplyLoadFlag},
       {"--dist", Takes::kValue, "MODE",
        "load (default with --tx), each, loadscope, loadfile, loadgroup, "
        "worksteal, no",
        false, ApplyDist},
       {"--maxprocesses", Takes::kValue, "N", "limit -n, also -n auto", false,
        SetNumber(&Options::max_processes, 1)},
       {"--runner", Takes::kValue, "NAME",
        "pytest, gtest, ctest, command; default: told from the arguments",
        false,
        SetChoice<Runner>(&Options::runner, {{"pytest", Runner::kPytest},
                                             {"gtest", Runner::kGtest},
                                             {"ctest", Runner::kCtest},
                                             {"command", Runner::kCommand}})},
       {"--require-hosts", Takes::kValue, "all|any",
        "all: a host that cannot be used ends the run", false,
        ApplyRequireHosts},
       {"--ssh", Takes::kValue, "auto|libssh|openssh",
        "reach ssh= by libssh, by the ssh program; auto: by that where the ssh "
        "configuration needs it",
        false,
        SetChoice<SshChoice>(&Options::ssh,
                             {{"auto", SshChoice::kAuto},
                              {"libssh", SshChoice::kLibssh},
                              {"openssh", SshChoice::kOpenSsh}})},
       {"--key-file", Takes::kValue, "FILE",
        "the key of socket= and --listen; default: $DIST_KEY_FILE, else "
        "~/.config/dist/key",
        false, ApplyKeyFile},
       {"--listen", Takes::kValue, "[N*]ADDR:PORT",
        "N workers on a host that comes by itself, by dist serve --dial; short "
        "for --tx N*listen=ADDR:PORT",
        true, ApplyListen},
       {"--wait-hosts", Takes::kValue, "N",
        "start when N such hosts have come (1)", false, ApplyWaitHosts},
       {"--rsyncdir", Takes::kValue, "DIR",
        "sync this directory to hosts; repeatable", true,
        Append(&Options::rsyncdirs, &Draft::rsyncdirs_from)},
       {"--rsyncignore", Takes::kValue, "GLOB",
        "do not sync what matches; repeatable", true,
        Append(&Options::rsyncignore, &Draft::rsyncignore_from)},
       {"--no-sync", Takes::kNothing, "", "sync nothing", false,
        SetFlag(&Options::no_sync)},
       {"--fetch", Takes::kValue, "GLOB",
        "bring files that tests wrote in a synced tree to dist-artifacts/HOST; "
        "repeatable",
        true, ApplyFetch}});
}

void AddRun(std::vector<OptionRow>* rows) {
  rows->insert(
      rows->end(),
      {{"-x,--exitfirst", Takes::kNothing, "", "stop after the first failure",
        false, ApplyExitFirst},
       {"--maxfail", Takes::kValue, "N",
        "stop after N failures; crashes and timeouts count", false,
        SetNumber(&Options::max_fail, 0)},
       {"--timeout", Takes::kValue, "SECONDS",
        "per test, enforced from outside its process; 0: none", false,
        ApplyTimeout},
       {"--retries", Takes::kValue, "N",
        "run a failed test again, up to N times", false,
        SetNumber(&Options::retries, 0)},
       {"--lf,--last-failed", Takes::kNothing, "", "only what failed last time",
        false, SetOrder(CacheOrder::kLastFailed)},
       {"--ff,--failed-first", Takes::kNothing, "",
        "what failed last time first", false,
        SetOrder(CacheOrder::kFailedFirst)},
       {"--lfnf,--last-failed-no-failures", Takes::kValue, "all|none",
        "what --lf runs if nothing failed last time", false,
        SetChoice<bool>(&Options::run_all_if_none_failed,
                        {{"all", true}, {"none", false}})},
       {"--max-worker-restart", Takes::kValue, "N",
        "give up after N lost workers; default: 4 per worker", false,
        SetNumber(&Options::max_worker_restart, 0)},
       {"--maxschedchunk", Takes::kValue, "N", "send at most N tests at a time",
        false, SetNumber(&Options::max_sched_chunk, 1)},
       {"--no-loadscope-reorder", Takes::kNothing, "",
        "keep the order of scopes, files, groups", false,
        SetFlag(&Options::loadscope_reorder, false)},
       {"--loadscope-reorder", Takes::kNothing, "", "", false,
        SetFlag(&Options::loadscope_reorder)},
       {kTrustProject, Takes::kNothing, "",
        "let the project's files name commands and ssh options", false,
        SetFlag(&Options::trust_project)},
       {"--strict-collection", Takes::kNothing, "",
        "fail if workers collect different tests", false,
        SetFlag(&Options::strict_collection)},
       {"--no-history", Takes::kNothing, "",
        "neither use nor record durations of tests", false,
        SetFlag(&Options::history, false)},
       {"--testrunuid", Takes::kValue, "S", "id of this run, for its tests",
        false, SetText(&Options::test_run_uid)},
       {"--collect-only,--co", Takes::kNothing, "", "list the tests, run none",
        false, SetFlag(&Options::collect_only)}});
}

void AddReports(std::vector<OptionRow>* rows) {
  rows->insert(
      rows->end(),
      {{"--junitxml,--junit-xml", Takes::kValue, "PATH",
        "write a JUnit XML report", false, SetText(&Options::junit_xml)},
       {"--report-log", Takes::kValue, "PATH", "write reports as JSON lines",
        false, SetText(&Options::report_log)},
       {"--html", Takes::kValue, "PATH", "write an HTML report", false,
        SetText(&Options::html)},
       {"--trace", Takes::kValue, "PATH", "write a timeline of the run", false,
        SetText(&Options::trace)},
       {"-v,--verbose", Takes::kNothing, "", "say more; repeatable", false,
        AddVerbosity(1)},
       {"-q,--quiet", Takes::kNothing, "", "say less; repeatable", false,
        AddVerbosity(-1)},
       {"--verbosity", Takes::kValue, "N", "", false, ApplyVerbosity},
       {"-s", Takes::kNothing, "",
        "show output of tests at once, prefixed [gw0 host]", false,
        SetFlag(&Options::stream)},
       {"--capture", Takes::kValue, "METHOD", "", false, ApplyCapture},
       {"--color", Takes::kValue, "yes|no|auto", "colour the output", false,
        SetChoice<Color>(&Options::color, {{"yes", Color::kYes},
                                           {"no", Color::kNo},
                                           {"auto", Color::kAuto}})},
       {"--durations", Takes::kValue, "N", "show the N slowest; 0: all", false,
        SetNumber(&Options::durations, 0)},
       {"--durations-min", Takes::kValue, "SECONDS", "", false,
        Both(
            [](const Use& use, Draft* draft) -> absl::Status {
              DIST_ASSIGN_OR_RETURN(draft->out.durations_min, Seconds(use));
              return absl::OkStatus();
            },
            ToFramework)},
       {"-r", Takes::kValue, "CHARS", "what the summary lists, as in pytest",
        false, SetText(&Options::report_chars)},
       {"-h,--help", Takes::kNothing, "", "this text", false,
        SetFlag(&Options::help)},
       {"-V,--version", Takes::kNothing, "", "the version", false,
        SetFlag(&Options::version)}});
}

// Rows of pytest for which dist does something as well.
void AddShared(std::vector<OptionRow>* rows) {
  rows->insert(
      rows->end(),
      {{"-c", Takes::kValue, "FILE", "", false,
        SetOptionalText(&Options::inifile)},
       {"--rootdir", Takes::kValue, "DIR", "", false,
        SetOptionalText(&Options::rootdir)},
       {"--junit-prefix,--junitprefix", Takes::kValue, "STR", "", false,
        Both(SetText(&Options::junit_prefix), ToFramework)},
       {"--cache-clear", Takes::kNothing, "", "", false,
        Both(SetFlag(&Options::cache_clear), FlagToFramework)},
       {"--no-header", Takes::kNothing, "", "", false,
        Both(SetFlag(&Options::show_header, false), FlagToFramework)},
       {"--no-summary", Takes::kNothing, "", "", false,
        Both(SetFlag(&Options::show_summary, false), FlagToFramework)}});
}

void AddPytest(std::vector<OptionRow>* rows) {
  for (const char* names : {"-k",
                            "-m",
                            "-p",
                            "-W,--pythonwarnings",
                            "-o,--override-ini",
                            "--tb",
                            "--show-capture",
                            "--code-highlight",
                            "--ignore",
                            "--ignore-glob",
                            "--deselect",
                            "--confcutdir",
                            "--import-mode",
                            "--doctest-report",
                            "--doctest-glob",
                            "--basetemp",
                            "--assert",
                            "--log-level",
                            "--log-format",
                            "--log-date-format",
                            "--log-cli-level",
                            "--log-cli-format",
                            "--log-cli-date-format",
                            "--log-file",
                            "--log-file-level",
                            "--log-file-format",
                            "--log-file-date-format",
                            "--log-auto-indent",
                            "--log-file-mode",
                            "--log-disable"}) {
    rows->push_back({names, Takes::kValue, "", "", true, ToFramework});
  }
  for (const char* names : {"--runxfail",
                            "--nf,--new-first",
                            "--sw,--stepwise",
                            "--sw-skip,--stepwise-skip",
                            "--disable-warnings,--disable-pytest-warnings",
                            "-l,--showlocals",
                            "--no-showlocals",
                            "--full-trace",
                            "--strict-config",
                            "--strict-markers",
                            "--strict",
                            "--continue-on-collection-errors",
                            "--pyargs",
                            "--noconftest",
                            "--keep-duplicates",
                            "--collect-in-virtualenv",
                            "--doctest-modules",
                            "--doctest-ignore-import-errors",
                            "--doctest-continue-on-failure",
                            "--setup-only",
                            "--setup-show",
                            "--setup-plan"}) {
    rows->push_back({names, Takes::kNothing, "", "", false, FlagToFramework});
  }
}

void AddRefused(std::vector<OptionRow>* rows) {
  const std::string alone = "run pytest itself for that";
  for (const char* names :
       {"--markers", "--fixtures,--funcargs", "--fixtures-per-test", "--pdb",
        "--trace-config", "-f,--looponfail"}) {
    rows->push_back({names, Takes::kNothing, "", "", false, Refuse(alone)});
  }
  for (const char* names : {"--pdbcls", "--pastebin"}) {
    rows->push_back({names, Takes::kValue, "", "", false, Refuse(alone)});
  }
  for (const char* names : {"--cache-show", "--debug"}) {
    rows->push_back(
        {names, Takes::kOptionalValue, "", "", false, Refuse(alone)});
  }
  rows->push_back({"--px", Takes::kValue, "", "", false,
                   Refuse("give the host an --tx with id=ID, and the others "
                          "via=ID")});
}

}  // namespace

std::vector<std::string> OptionRow::AllNames() const {
  return absl::StrSplit(names, ',');
}

std::string OptionRow::LongName() const {
  const Strings all = AllNames();
  for (const std::string& name : all) {
    if (absl::StartsWith(name, "--")) return name;
  }
  return all[0];
}

const std::vector<OptionRow>& OptionTable() {
  static const auto* table = [] {
    auto* rows = new std::vector<OptionRow>;
    AddWhere(rows);
    AddRun(rows);
    AddReports(rows);
    AddShared(rows);
    AddPytest(rows);
    AddRefused(rows);
    return rows;
  }();
  return *table;
}

absl::Status UsageError(absl::string_view cause, absl::string_view help) {
  return absl::InvalidArgumentError(absl::StrCat(cause, "\nhelp: ", help));
}

std::string to_string(DistMode mode) {
  for (const Choice<DistMode>& choice : DistModes()) {
    if (choice.value == mode) return choice.word;
  }
  return "unknown";
}

}  // namespace dist
