#include "cli/plan.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <set>
#include <sstream>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "cli/history.h"
#include "cli/last_failed.h"
#include "cli/sync_plan.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"
#include "core/config/project.h"
#include "core/config/settings.h"
#include "core/manifest/digest.h"
#include "core/schedule/policy.h"
#include "core/xspec/expand.h"
#include "transports/host_facts.h"

namespace dist {
namespace {

// xdist's default for -n, here for every way to ask for workers.
constexpr size_t kRestartsPerWorker = 4;

std::optional<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

FileView RealFiles() {
  FileView view;
  view.kind = [](const std::string& path) {
    struct stat info;
    if (stat(path.c_str(), &info) != 0) return FileView::Kind::kNone;
    return S_ISDIR(info.st_mode) ? FileView::Kind::kDirectory
                                 : FileView::Kind::kFile;
  };
  view.read = ReadFile;
  view.env = [](const std::string& name) -> std::optional<std::string> {
    const char* value = getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  };
  view.cwd = CurrentFolder();
  return view;
}

absl::StatusOr<std::vector<std::string>> EnvironmentAddopts() {
  const char* text = getenv("PYTEST_ADDOPTS");
  if (text == nullptr) return std::vector<std::string>();
  absl::StatusOr<std::vector<std::string>> words = SplitShellWords(text);
  if (words.ok()) return words;
  return absl::InvalidArgumentError(
      absl::StrCat("PYTEST_ADDOPTS: ", words.status().message(),
                   "\nhelp: quote it as for a shell"));
}

std::string RandomUid() {
  std::random_device random;
  return absl::StrFormat("%08x%08x%08x%08x", random(), random(), random(),
                         random());
}

absl::Status NotBuilt(const std::string& what) {
  return absl::UnimplementedError(
      absl::StrCat(what,
                   " is not built yet\nhelp: this version runs pytest on "
                   "this machine (-n N, --tx popen) and on hosts (--tx "
                   "ssh=HOST, --tx socket=HOST:PORT, --tx exec=COMMAND, "
                   "--listen ADDR:PORT)"));
}

absl::Status CheckBuilt(const Options& options) {
  if (options.runner != Runner::kAuto && options.runner != Runner::kPytest) {
    return NotBuilt("a --runner other than pytest");
  }
  if (!options.html.empty()) return NotBuilt("--html");
  if (!options.trace.empty()) return NotBuilt("--trace");
  if (!options.run_all_if_none_failed) return NotBuilt("--lfnf=none");
  if (options.dist != DistMode::kNo &&
      FindPolicy(to_string(options.dist)) == nullptr) {
    return NotBuilt(absl::StrCat("--dist ", to_string(options.dist)));
  }
  return absl::OkStatus();
}

// Paths that do not exist are found before anything starts. With --pyargs they
// may be modules; with chdir= and on other hosts, where nothing is synced, they
// are meant to be there.
absl::Status CheckPaths(const Options& options) {
  for (const std::string& arg : options.framework_args) {
    if (arg == "--pyargs") return absl::OkStatus();
  }
  for (const XSpec& spec : options.tx) {
    const bool here = spec.transport == XSpec::Transport::kPopen;
    if ((!spec.chdir.empty() || !here) && !WantsSync(options, spec)) {
      return absl::OkStatus();
    }
  }
  for (const std::string& path : options.paths) {
    const std::string file = path.substr(0, path.find("::"));
    if (access(file.c_str(), F_OK) != 0) {
      return absl::NotFoundError(
          absl::StrCat("no such file or directory: ", Printable(file),
                       "\nhelp: paths are relative to ", CurrentFolder(),
                       "; names of modules need --pyargs"));
    }
  }
  return absl::OkStatus();
}

// `own`: the framework's own, paths at the end.
std::vector<std::string> FrameworkArgs(const Options& options,
                                       const std::vector<std::string>& own) {
  // What addopts said has been read here, where dist's own options are known.
  std::vector<std::string> args = {"-o", "addopts="};
  // Assertions explain themselves at length under -vv.
  for (int i = 0; i < options.verbosity; ++i) args.push_back("-v");
  if (options.stream) args.push_back("-s");
  args.insert(args.end(), own.begin(), own.end());
  return args;
}

std::vector<std::string> OwnArgs(const Options& options) {
  std::vector<std::string> args = options.framework_args;
  args.insert(args.end(), options.paths.begin(), options.paths.end());
  return args;
}

WorkerSetup SetupOf(const Options& options, const WorkerSpec& worker,
                    const std::vector<std::string>& args,
                    const Screen& screen) {
  WorkerSetup setup;
  setup.name = worker.name;
  setup.framework = "pytest";
  setup.python = worker.spec.python;
  setup.chdir = worker.spec.chdir;
  setup.env = worker.spec.env;
  if (worker.spec.dont_write_bytecode) {
    setup.env.emplace_back("PYTHONDONTWRITEBYTECODE", "1");
  }
  setup.nice = worker.spec.nice.value_or(0);
  setup.args = FrameworkArgs(options, OwnArgs(options));
  setup.main_args = args;
  setup.color = screen.color;
  setup.columns = static_cast<uint32_t>(screen.columns);
  setup.report_log = !options.report_log.empty();
  setup.passed_sections =
      options.report_chars.find_first_of("PA") != std::string::npos;
  setup.collect_only = options.collect_only;
  setup.stream_output = options.stream;
  if (options.timeout) {
    setup.timeout_ms = static_cast<uint32_t>(
        std::max<int64_t>(1, absl::ToInt64Milliseconds(*options.timeout)));
  }
  return setup;
}

Selection SelectionOf(const Request& request) {
  Selection selection;
  if (request.options.cache_order == CacheOrder::kNone) return selection;
  selection.kind = request.options.cache_order == CacheOrder::kLastFailed
                       ? Selection::Kind::kLastFailed
                       : Selection::Kind::kFailedFirst;
  if (!request.options.cache_clear) {
    selection.failed = ReadLastFailed(request.rootdir);
  }
  return selection;
}

void AddHistory(const Request& request, PlannedRun* run) {
  if (!WantsHistory(request.options)) return;
  run->history = HistoryPath(request.rootdir);
  if (!UsesDurations(run->plan)) return;
  const LoadedHistory loaded = LoadHistory(run->history);
  if (!loaded.notice.empty()) run->notices.push_back(loaded.notice);
  if (loaded.found) {
    run->plan.estimates = Estimates(ExpectedOn(loaded.history, run->plan));
    SetPaces(loaded.history, &run->plan);
  }
}

// Gives the workers that run in a tree their number of it, one tree a folder.
absl::Status AddSync(const Request& request,
                     const std::vector<WorkerSpec>& workers, PlannedRun* run) {
  const Options& options = request.options;
  const auto wants = [&](const WorkerSpec& worker) {
    return WantsSync(options, worker.spec);
  };
  if (std::none_of(workers.begin(), workers.end(), wants)) {
    return absl::OkStatus();
  }
  DIST_ASSIGN_OR_RETURN(const SyncLayout layout, LayOutSync(request));
  DIST_ASSIGN_OR_RETURN(const std::vector<std::string> args,
                        ArgsInTree(layout, options));
  std::vector<std::string> warnings;
  DIST_ASSIGN_OR_RETURN(run->sync, TakeSnapshot(layout, &warnings));
  run->notices.insert(run->notices.end(), warnings.begin(), warnings.end());
  run->sync.say_what = options.verbosity > 0;
  if (run->sync.say_what) run->notices.push_back(Describe(layout, run->sync));
  run->fetch.globs = FetchGlobs(layout, options.fetch);
  run->fetch.cwd_in_tree = RelativePath(layout.base, layout.cwd);
  if (run->fetch.cwd_in_tree == ".") run->fetch.cwd_in_tree.clear();
  run->sync.folders.resize(run->plan.hosts.size());
  for (size_t i = 0; i < workers.size(); ++i) {
    if (!wants(workers[i])) continue;
    PlannedWorker& planned = run->plan.workers[i];
    std::vector<std::string>& folders = run->sync.folders[planned.host.value()];
    const std::string& folder = workers[i].spec.chdir;
    auto found = std::find(folders.begin(), folders.end(), folder);
    if (found == folders.end()) found = folders.insert(found, folder);
    WorkerSetup& setup = planned.setup;
    setup.tree = static_cast<uint32_t>(found - folders.begin()) + 1;
    setup.chdir = RelativePath(layout.base, layout.cwd);
    if (setup.chdir == ".") setup.chdir.clear();
    setup.args = FrameworkArgs(options, args);
  }
  return absl::OkStatus();
}

// A host as a name of a folder.
std::string FileName(const std::string& host) {
  std::string name = host.substr(0, 80);
  for (char& c : name) {
    const bool plain = absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
                       c == '-' || c == '_' || c == '.';
    if (!plain) c = '_';
  }
  return name.empty() || name[0] == '.' ? absl::StrCat("_", name) : name;
}

// --fetch looks in synced trees; what runs elsewhere keeps what it writes.
void NoteUnfetched(PlannedRun* run) {
  std::vector<std::string> names;
  for (size_t i = 0; i < run->plan.hosts.size(); ++i) {
    if (!run->sync.Wants(HostId(static_cast<uint32_t>(i)))) {
      names.push_back(run->plan.hosts[i].name);
    }
  }
  if (names.empty()) return;
  run->notices.push_back(absl::StrCat(
      "--fetch brings nothing from ", absl::StrJoin(names, ", "),
      ": nothing is synced there; DIST_ARTIFACTS_DIR comes from everywhere"));
}

void AddFetch(const Options& options, PlannedRun* run) {
  if (options.collect_only) return;
  FetchPlan& fetch = run->fetch;
  fetch.cwd = CurrentFolder();
  fetch.folder = absl::StrCat(fetch.cwd, "/dist-artifacts");
  if (!options.fetch.empty()) NoteUnfetched(run);
  fetch.project = DigestOf(fetch.folder).Hex().substr(0, 32);
  std::set<std::string> taken;
  for (const PlannedHost& host : run->plan.hosts) {
    std::string name = FileName(host.name);
    while (!taken.insert(name).second) name += "_";
    fetch.hosts.push_back(name);
  }
}

}  // namespace

absl::StatusOr<Request> ReadRequest(const std::vector<std::string>& args) {
  OptionSources sources;
  sources.args = args;
  DIST_ASSIGN_OR_RETURN(sources.env_addopts, EnvironmentAddopts());
  DIST_ASSIGN_OR_RETURN(const Options first, ParseOptions(sources));
  Request request;
  if (first.help || first.version) {
    request.options = first;
    return request;
  }
  const FileView files = RealFiles();
  DIST_ASSIGN_OR_RETURN(
      const Project project,
      FindProject({first.paths, first.inifile, first.rootdir}, files));
  const std::string settings = absl::StrCat(project.rootdir, "/dist.toml");
  if (const auto text = ReadFile(settings)) {
    DIST_ASSIGN_OR_RETURN(sources.settings,
                          ParseSettings(*text, settings, SettingNames()));
    for (Setting& setting : sources.settings) {
      if (!absl::StartsWith(setting.name, "rsyncdir")) continue;
      for (std::string& path : setting.values) {
        path = AbsolutePath(path, project.rootdir);
      }
    }
  }
  sources.ini_addopts = project.addopts;
  sources.ini_path = project.inifile.value_or("");
  DIST_ASSIGN_OR_RETURN(request.options, ParseOptions(sources));
  if (request.options.auto_workers != AutoWorkers::kNone) {
    SetLocalWorkers(UsableCpus(), &request.options);
  }
  Options& options = request.options;
  options.rsyncdirs.insert(options.rsyncdirs.end(), project.rsyncdirs.begin(),
                           project.rsyncdirs.end());
  options.rsyncignore.insert(options.rsyncignore.end(),
                             project.rsyncignore.begin(),
                             project.rsyncignore.end());
  request.rootdir = project.rootdir;
  const std::string inifile = project.inifile.value_or("");
  request.inifile = absl::StartsWith(inifile, project.rootdir + "/")
                        ? inifile.substr(project.rootdir.size() + 1)
                        : inifile;
  return request;
}

bool UsesDurations(const RunPlan& plan) {
  return !plan.collect_only && plan.workers.size() > 1 &&
         FindPolicy(plan.mode)->spread == Spread::kShared;
}

absl::StatusOr<PlannedRun> MakePlan(const Request& request,
                                    const std::vector<std::string>& args,
                                    const Screen& screen,
                                    const Arrivals& arrivals) {
  const Options& options = request.options;
  DIST_RETURN_IF_ERROR(CheckBuilt(options));
  DIST_RETURN_IF_ERROR(CheckPaths(options));
  DIST_ASSIGN_OR_RETURN(const std::vector<WorkerSpec> workers,
                        ExpandSpecs(options.tx));
  PlannedRun run;
  RunPlan& plan = run.plan;
  plan.mode = options.dist == DistMode::kNo ? "load" : to_string(options.dist);
  plan.rootdir = request.rootdir;
  plan.inifile = request.inifile;
  DIST_ASSIGN_OR_RETURN(
      PlannedHosts hosts,
      PlanHosts(workers, {options.ssh, options.key_file, arrivals}));
  for (const HostAddress& address : hosts.addresses) {
    plan.hosts.push_back({address.name});
  }
  run.addresses = std::move(hosts.addresses);
  const bool each = FindPolicy(plan.mode)->spread == Spread::kEveryWorkerAll;
  plan.platforms =
      each ? PlatformLabels(workers) : std::vector<std::string>{""};
  const std::string uid =
      options.test_run_uid.empty() ? RandomUid() : options.test_run_uid;
  for (uint32_t i = 0; i < workers.size(); ++i) {
    PlannedWorker planned;
    planned.host = hosts.host_of[i];
    planned.platform = PlatformId(each ? i : 0);
    planned.kin = each ? i : static_cast<uint32_t>(workers[i].spec_index);
    planned.setup = SetupOf(options, workers[i], args, screen);
    planned.setup.worker_count = static_cast<uint32_t>(workers.size());
    planned.setup.run_uid = uid;
    plan.workers.push_back(std::move(planned));
  }
  plan.max_chunk = options.max_sched_chunk.value_or(0);
  plan.reorder = options.loadscope_reorder;
  plan.require_all_hosts = options.require_all_hosts;
  plan.maxfail = options.max_fail;
  plan.max_restarts = options.max_worker_restart.value_or(
      static_cast<int>(kRestartsPerWorker * workers.size()));
  plan.retries = options.retries;
  plan.collect_only = options.collect_only;
  plan.strict_collection = options.strict_collection;
  plan.selection = SelectionOf(request);
  DIST_RETURN_IF_ERROR(AddSync(request, workers, &run));
  AddFetch(options, &run);
  AddHistory(request, &run);
  return run;
}

}  // namespace dist
