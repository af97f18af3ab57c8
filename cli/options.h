// The command line and its relatives: from words to Options.
//
// Pure: reads no file, no environment. The order of work of a caller:
//   1. SplitVerb(argv), then ParseOptions with only `args` and `env_addopts`,
//      for paths, -c and --rootdir;
//   2. FindProject with these (core/config/project.h); read its dist.toml,
//      ParseSettings(text, path, SettingNames());
//   3. ParseOptions again with all sources. `rsyncdirs` and `rsyncignore` of
//      the ini file are the caller's to append.
#ifndef DIST_CLI_OPTIONS_H_
#define DIST_CLI_OPTIONS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "core/config/settings.h"
#include "core/xspec/address.h"
#include "core/xspec/xspec.h"

namespace dist {

// What the first argument asks for.
enum class Verb { kRun, kServe, kDoctor, kSync, kPlan, kHistory };

struct Command {
  Verb verb = Verb::kRun;
  std::vector<std::string> args;  // Without the verb.
};

// `args`: those of the program, without its own name. A verb is one only as
// the first ("./serve" is a path).
Command SplitVerb(absl::Span<const std::string> args);

enum class DistMode {
  kNo,
  kLoad,
  kEach,
  kLoadScope,
  kLoadFile,
  kLoadGroup,
  kWorkSteal,
};
std::string to_string(DistMode mode);  // "load", as after --dist.

enum class Runner { kAuto, kPytest, kGtest, kCtest, kCommand };
enum class Color { kAuto, kYes, kNo };
// `-n auto` (CPUs we may use) and `-n logical`; the caller counts them.
enum class AutoWorkers { kNone, kAuto, kLogical };
enum class CacheOrder { kNone, kLastFailed, kFailedFirst };

struct Options {
  bool help = false;     // Print HelpText() and leave; nothing else is valid.
  bool version = false;  // Likewise, VersionText().

  std::vector<std::string> paths;           // As they were written.
  std::vector<std::string> framework_args;  // For pytest, in order.

  // Where. Never empty, unless `auto_workers` says that the caller still has
  // to call SetLocalWorkers.
  std::vector<XSpec> tx;
  AutoWorkers auto_workers = AutoWorkers::kNone;
  std::optional<int> max_processes;
  DistMode dist = DistMode::kNo;
  Runner runner = Runner::kAuto;

  int wait_hosts = 1;  // So many hosts for each listen= in `tx`.

  // What is synced.
  std::vector<std::string> rsyncdirs;    // As they were written.
  std::vector<std::string> rsyncignore;  // Likewise.
  bool no_sync = false;
  std::vector<std::string> fetch;  // Globs of files that come back.

  SshChoice ssh = SshChoice::kAuto;  // What ssh= is done with.
  std::string key_file;  // Of socket= and listen=; empty: the user's.

  // When to stop, what to repeat.
  int max_fail = 0;                       // 0: never stop.
  std::optional<int> max_worker_restart;  // Nothing: the caller's default.
  std::optional<int> max_sched_chunk;     // Nothing: no limit; else 1 or more.
  bool loadscope_reorder = true;
  std::string test_run_uid;  // Empty: the caller makes one.
  bool require_all_hosts = false;
  std::optional<absl::Duration> timeout;  // Per test; nothing: none.
  int retries = 0;
  CacheOrder cache_order = CacheOrder::kNone;
  bool run_all_if_none_failed = true;  // --lfnf
  bool cache_clear = false;
  bool collect_only = false;
  bool history = true;  // Read and record durations.
  bool strict_collection = false;
  bool trust_project = false;  // Its files may name commands for this machine.

  // Reports; empty paths: none.
  std::string junit_xml;
  std::string junit_prefix;
  std::string report_log;
  std::string html;
  std::string trace;
  int verbosity = 0;    // -v counts up, -q down.
  bool stream = false;  // -s
  Color color = Color::kAuto;
  std::optional<int> durations;  // Of --durations; 0: all.
  double durations_min = 0.005;  // Seconds.
  std::string report_chars = "fE";
  bool show_header = true;
  bool show_summary = true;

  // Also in framework_args; here for FindProject.
  std::optional<std::string> inifile;  // -c
  std::optional<std::string> rootdir;  // --rootdir
};

// Where options come from. A later source wins over an earlier one. What may
// be repeated is appended, as in pytest, but replaces that of dist.toml. `-n`
// drops the --tx of earlier sources and --tx the `-n` of these; within one
// source `-n` wins, as in xdist.
struct OptionSources {
  std::vector<Setting> settings;         // dist.toml
  std::vector<std::string> ini_addopts;  // Words.
  std::string ini_path;                  // For errors about them.
  std::vector<std::string> env_addopts;  // Words of PYTEST_ADDOPTS.
  std::vector<std::string> args;         // Command::args of Verb::kRun.
};

// Errors: InvalidArgument, one line with the cause (after where it comes from,
// unless that is the command line), then "help: ..."; exit status 4. An
// unknown option is an error in `args` and `settings`; elsewhere it is likely
// a plug-in's and goes to framework_args with the word after it.
absl::StatusOr<Options> ParseOptions(const OptionSources& sources);

// Makes `options->tx` the `cpus` workers that `-n auto` stands for, limited
// by --maxprocesses. REQUIRES: cpus >= 1.
void SetLocalWorkers(int cpus, Options* options);

// The names that dist.toml may set: those of the options.
std::vector<SettingName> SettingNames();

std::string HelpText();     // Five examples, then the table of options.
std::string VersionText();  // "dist 0.1.0\n"

}  // namespace dist

#endif  // DIST_CLI_OPTIONS_H_
