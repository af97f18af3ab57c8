#include "cli/serve_verb.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/signal_watch.h"
#include "core/base/nearest.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"
#include "core/model/exit_status.h"
#include "core/model/version.h"
#include "transports/host_facts.h"
#include "transports/serve/server.h"
#include "transports/sweep.h"
#include "transports/tls/key.h"

namespace dist {
namespace {

absl::Status UsageError(absl::string_view cause, absl::string_view help) {
  return absl::InvalidArgumentError(
      absl::StrCat("serve: ", cause, "\nhelp: ", help));
}

absl::Status UnknownWord(const std::string& word) {
  const std::string name = word.substr(0, word.find('='));
  if (name == "--dial") {
    return UsageError("--dial is not built yet",
                      "let dist reach this host with --tx socket=HOST:PORT");
  }
  const std::string cause =
      absl::StrCat("unknown word '", Printable(word), "'");
  return UsageError(
      cause, DidYouMean(name, {"--bind", "--key-file", "--max-runs", "--once"},
                        "dist serve --help lists what there is"));
}

// The loopback networks: nobody else can connect.
bool IsLoopback(absl::string_view host) {
  return host == "localhost" || host == "::1" || absl::StartsWith(host, "127.");
}

absl::StatusOr<ServeKey> FindOrMakeKey(const std::string& path, bool* made) {
  if (path.empty()) {
    return absl::FailedPreconditionError(
        "there is no home folder for a key\nhelp: --key-file FILE says where "
        "it shall be");
  }
  absl::StatusOr<ServeKey> key = ReadServeKey(path);
  if (!absl::IsNotFound(key.status())) return key;
  *made = true;
  return MakeServeKey(path);
}

std::vector<std::string> WordsOfThisProcess() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  std::vector<std::string> words = absl::StrSplit(bytes, '\0');
  return words;
}

std::string ThisProgram() {
  char path[PATH_MAX];
  const ssize_t n = readlink("/proc/self/exe", path, sizeof(path));
  return std::string(path, std::max<ssize_t>(n, 0));
}

int Fail(const absl::Status& status) {
  fprintf(stderr, "dist: %s\n", std::string(status.message()).c_str());
  return static_cast<int>(ExitStatus::kUsage);
}

absl::Status Serve(const ServeOptions& options) {
  ServeFacts facts;
  facts.address = options.address;
  facts.host = HostName();
  facts.version = BuildVersion();
  facts.key_file =
      options.key_file.empty() ? DefaultKeyFile() : options.key_file;
  DIST_ASSIGN_OR_RETURN(const ServeKey key,
                        FindOrMakeKey(facts.key_file, &facts.key_is_new));
  facts.fingerprint = key.Fingerprint();
  DIST_ASSIGN_OR_RETURN(OwnedFd listening, ListenAt(&facts.address));
  ServeSettings settings;
  settings.version = facts.version;
  settings.node = NodeStartCommand(ThisProgram(), WordsOfThisProcess());
  settings.spared = ChildProcesses();
  settings.max_runs = options.max_runs;
  settings.once = options.once;
  settings.log = [](const std::string& line) {
    fprintf(stderr, "dist serve: %s\n", Printable(line).c_str());
  };
  SignalWatch signals;
  Server server(std::move(listening), key, std::move(settings));
  fputs(DescribeServe(facts).c_str(), stdout);
  fflush(stdout);
  signals.Start([&](const std::string&) { server.RequestStop(); });
  server.Run();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ServeOptions> ParseServeOptions(
    const std::vector<std::string>& args) {
  ServeOptions options;
  std::string bind;
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  app.add_flag("-h,--help", options.help);
  app.add_option("--bind", bind);
  app.add_option("--key-file", options.key_file);
  app.add_option("--max-runs", options.max_runs)->check(CLI::Range(1, 10000));
  app.add_flag("--once", options.once);
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::ParseError& error) {
    return UsageError(Printable(error.what()),
                      "dist serve --help lists what there is");
  }
  if (options.help) return options;
  if (!app.remaining().empty()) return UnknownWord(app.remaining()[0]);
  if (bind.empty()) return options;
  absl::StatusOr<SocketAddress> address = ParseListenAddress(bind);
  if (!address.ok()) {
    return UsageError(address.status().message(),
                      "write --bind ADDRESS:PORT, such as 0.0.0.0:8888");
  }
  options.address = *std::move(address);
  return options;
}

std::string ServeHelp() {
  return R"(usage: dist serve [OPTIONS]

Runs tests for every dist that has the same key: --tx socket=HOST:PORT there.

  --bind ADDRESS:PORT   where to listen; default 127.0.0.1:8888, which nobody
                        else can reach; 0.0.0.0:8888 and [::]:8888: everywhere
  --key-file FILE       the key, made if there is none; default: $DIST_KEY_FILE,
                        else ~/.config/dist/key
  --max-runs N          at most so many runs at a time (64); others are turned
                        away
  --once                serve one run, then end

SIGTERM or Ctrl-C: no further run is begun, and it ends with the last; a second
one ends the runs.
)";
}

std::string DescribeServe(const ServeFacts& facts) {
  const bool anywhere =
      facts.address.host == "0.0.0.0" || facts.address.host == "::";
  SocketAddress reached = facts.address;
  if (anywhere) reached.host = facts.host;
  const std::string key = Printable(facts.key_file);
  std::string text = absl::StrCat("dist ", facts.version, " serves at ",
                                  to_string(facts.address), "\nkey: ", key,
                                  " (", facts.fingerprint, ")",
                                  facts.key_is_new ? ", new" : "", "\n");
  const std::string spec =
      absl::StrCat("dist --tx socket=", to_string(reached));
  if (IsLoopback(facts.address.host)) {
    absl::StrAppend(&text, "on this machine: ", spec, "\n");
  } else {
    absl::StrAppend(&text, "elsewhere: scp -p ", facts.host, ":", key,
                    " ~/.config/dist/key, once, then ", spec, "\n");
  }
  return text;
}

std::vector<std::string> NodeStartCommand(absl::string_view self,
                                          absl::Span<const std::string> words) {
  const absl::string_view name = self.substr(self.rfind('/') + 1);
  const auto verb = std::find(words.begin(), words.end(), "serve");
  std::vector<std::string> command = {"/proc/self/exe"};
  if (absl::StartsWith(name, "ld-") && verb != words.end() &&
      verb != words.begin()) {
    command.insert(command.end(), words.begin() + 1, verb);
  }
  command.insert(command.end(), {"node", "--stdio"});
  return command;
}

int ServeVerb(const std::vector<std::string>& args) {
  const absl::StatusOr<ServeOptions> options = ParseServeOptions(args);
  if (!options.ok()) return Fail(options.status());
  if (options->help) {
    fputs(ServeHelp().c_str(), stdout);
    return 0;
  }
  const absl::Status status = Serve(*options);
  return status.ok() ? 0 : Fail(status);
}

}  // namespace dist
