#include "cli/options.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "cli/option_scan.h"
#include "cli/option_table.h"
#include "core/base/nearest.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"
#include "core/xspec/address.h"

namespace dist {
namespace {

using Strings = std::vector<std::string>;
using Words = absl::Span<const std::string>;
using Takes = OptionRow::Takes;

absl::Status UnknownOption(const std::string& word) {
  const std::string name = word.substr(0, word.find('='));
  Strings known;
  // One letter is near to every other letter: no proposal then.
  for (const OptionRow& row : OptionTable()) {
    if (name.size() <= 2) break;
    for (const std::string& each : row.AllNames()) known.push_back(each);
  }
  const std::string near = DidYouMean(name, known, "");
  return UsageError(
      absl::StrCat("unknown option '", Printable(name), "'"),
      absl::StrCat(near, near.empty() ? "" : " ",
                   "Options of pytest's plug-ins go after '--'."));
}

// Likely a plug-in's: the word after it may be its value, and if it is a path
// instead, pytest knows what to do with that as well.
size_t PassThrough(const std::string& word, Words rest, Draft* draft) {
  Strings& args = draft->out.framework_args;
  args.push_back(word);
  const bool with_next = !absl::StrContains(word, "=") && !rest.empty() &&
                         !absl::StartsWith(rest[0], "-");
  if (with_next) args.push_back(rest[0]);
  return with_next ? 1 : 0;
}

absl::Status InSource(const absl::Status& status, absl::string_view where) {
  if (status.ok() || where.empty()) return status;
  return absl::Status(status.code(),
                      absl::StrCat(where, ": ", status.message()));
}

absl::Status AddWords(Words words, Source source, Draft* draft) {
  draft->source = source;
  draft->load_flag = false;
  ScanHandler handler;
  handler.option = [&](const OptionRow& row, const Use& use) {
    return row.apply(use, draft);
  };
  handler.path = [&](const std::string& path) {
    draft->out.paths.push_back(path);
    return absl::OkStatus();
  };
  handler.unknown = [&](const std::string& word,
                        Words rest) -> absl::StatusOr<size_t> {
    if (source != Source::kCommandLine) return PassThrough(word, rest, draft);
    return UnknownOption(word);
  };
  const auto end = std::find(words.begin(), words.end(), "--");
  const size_t own = end - words.begin();
  DIST_RETURN_IF_ERROR(ScanOptions(words.subspan(0, own), handler));
  if (end != words.end()) {
    draft->out.framework_args.insert(draft->out.framework_args.end(), end + 1,
                                     words.end());
  }
  return absl::OkStatus();
}

// All names of an option, without dashes.
Strings SettingNamesOf(const OptionRow& row) {
  Strings names;
  for (const std::string& name : row.AllNames()) {
    names.emplace_back(absl::StripPrefix(absl::StripPrefix(name, "-"), "-"));
  }
  // As pytest's ini files have it.
  if (row.LongName() == "--rsyncdir") names.push_back("rsyncdirs");
  return names;
}

bool Contains(const Strings& all, absl::string_view one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

absl::Status AddSetting(const Setting& setting, Draft* draft) {
  for (const OptionRow& row : OptionTable()) {
    if (!Contains(SettingNamesOf(row), setting.name)) continue;
    if (setting.values.empty() && row.takes == Takes::kNothing) {
      return InSource(row.apply({row.LongName(), ""}, draft), setting.where);
    }
    for (const std::string& value : setting.values) {
      DIST_RETURN_IF_ERROR(
          InSource(row.apply({row.LongName(), value}, draft), setting.where));
    }
    return absl::OkStatus();
  }
  return absl::InternalError(
      absl::StrCat("no option for the setting ", setting.name));
}

XSpec LocalWorkers(int count) {
  // Cannot fail: the text is ours, the count was checked or limited.
  return *ParseXSpec(count == 1 ? "popen" : absl::StrCat(count, "*popen"));
}

// A checkout must not decide what runs on this machine before any test does, or
// where keys are sent: that is the user's to say.
absl::Status CheckProjectSpecs(const std::vector<XSpec>& specs) {
  for (const XSpec& spec : specs) {
    std::string what;
    absl::string_view why = "names commands for this machine";
    if (spec.transport == XSpec::Transport::kExec) {
      what = "exec=";
    } else if (spec.transport == XSpec::Transport::kListen) {
      what = "listen=";
      why = "opens a port of this machine";
    } else if (spec.transport == XSpec::Transport::kSsh) {
      const auto ssh = ParseSshAddress(spec.address);
      if (!ssh.ok()) continue;  // Said later, with its place.
      if (!ssh->options.empty()) what = "ssh's -o";
      if (!ssh->config_file.empty()) what = "ssh's -F";
    }
    if (what.empty()) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "--tx ", spec.text, ": ", what,
        " may not come from a project's files, since it ", why,
        "\nhelp: give --tx on the command line, or --trust-project if you "
        "trust the project"));
  }
  return absl::OkStatus();
}

// As many hosts as shall come.
void RepeatListeners(Options* out) {
  std::vector<XSpec> all;
  for (const XSpec& spec : out->tx) {
    const bool listens = spec.transport == XSpec::Transport::kListen;
    all.insert(all.end(), listens ? out->wait_hosts : 1, spec);
  }
  out->tx = std::move(all);
}

// Rules between options, when all sources are read.
void Combine(Draft* draft) {
  Options& out = draft->out;
  const bool many = out.auto_workers != AutoWorkers::kNone ||
                    draft->numprocesses.value_or(0) > 0;
  const bool none = draft->numprocesses && !many;  // -n 0
  const bool anywhere = many || !out.tx.empty();
  out.dist = draft->dist.value_or(anywhere ? DistMode::kLoad : DistMode::kNo);
  if (none) out.dist = DistMode::kNo;
  if (out.auto_workers != AutoWorkers::kNone && out.dist != DistMode::kNo) {
    out.tx.clear();
    return;
  }
  out.auto_workers = AutoWorkers::kNone;
  if (out.dist == DistMode::kNo || !anywhere) {
    out.tx = {LocalWorkers(1)};
  } else if (many) {
    const int limit = out.max_processes.value_or(*draft->numprocesses);
    out.tx = {LocalWorkers(std::min(*draft->numprocesses, limit))};
  }
  RepeatListeners(&out);
}

}  // namespace

Command SplitVerb(absl::Span<const std::string> args) {
  struct Row {
    const char* word;
    Verb verb;
  };
  Command command;
  command.args.assign(args.begin(), args.end());
  for (const Row& row :
       {Row{"serve", Verb::kServe}, Row{"doctor", Verb::kDoctor},
        Row{"sync", Verb::kSync}, Row{"plan", Verb::kPlan},
        Row{"history", Verb::kHistory}}) {
    if (command.args.empty() || command.args[0] != row.word) continue;
    command.verb = row.verb;
    command.args.erase(command.args.begin());
    break;
  }
  return command;
}

absl::StatusOr<Options> ParseOptions(const OptionSources& sources) {
  Draft draft;
  // Who asks for help gets it, whatever else is wrong.
  const auto end = std::find(sources.args.begin(), sources.args.end(), "--");
  const Strings own(sources.args.begin(), end);
  draft.out.help = Contains(own, "--help") || Contains(own, "-h");
  draft.out.version = Contains(own, "--version") || Contains(own, "-V");
  if (draft.out.help || draft.out.version) return std::move(draft.out);
  for (const Setting& setting : sources.settings) {
    DIST_RETURN_IF_ERROR(AddSetting(setting, &draft));
  }
  DIST_RETURN_IF_ERROR(
      InSource(AddWords(sources.ini_addopts, Source::kIni, &draft),
               absl::StrCat(sources.ini_path, ": addopts")));
  const bool trusted = Contains(own, kTrustProject) ||
                       Contains(sources.env_addopts, kTrustProject);
  if (draft.out.trust_project) {
    return absl::InvalidArgumentError(
        "--trust-project in a project's file: a project cannot vouch for "
        "itself\nhelp: give it on the command line, or in PYTEST_ADDOPTS");
  }
  if (!trusted) DIST_RETURN_IF_ERROR(CheckProjectSpecs(draft.out.tx));
  DIST_RETURN_IF_ERROR(
      InSource(AddWords(sources.env_addopts, Source::kEnvironment, &draft),
               "PYTEST_ADDOPTS"));
  DIST_RETURN_IF_ERROR(AddWords(sources.args, Source::kCommandLine, &draft));
  Combine(&draft);
  return std::move(draft.out);
}

void SetLocalWorkers(int cpus, Options* options) {
  const int limit = options->max_processes.value_or(cpus);
  options->tx = {LocalWorkers(std::min({cpus, limit, kMaxWorkersPerSpec}))};
}

std::vector<SettingName> SettingNames() {
  std::vector<SettingName> names;
  for (const OptionRow& row : OptionTable()) {
    using SettingTakes = SettingName::Takes;
    SettingTakes takes = SettingTakes::kOneValue;
    if (row.takes == Takes::kNothing) takes = SettingTakes::kNothing;
    if (row.repeatable) takes = SettingTakes::kManyValues;
    if (row.LongName() == "--help" || row.LongName() == "--version") continue;
    if (row.LongName() == kTrustProject) continue;
    for (const std::string& name : SettingNamesOf(row)) {
      names.push_back({name, takes});
    }
  }
  return names;
}

}  // namespace dist
