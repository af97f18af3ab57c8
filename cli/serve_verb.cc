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
#include "transports/serve/dialer.h"
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
  const std::string cause =
      absl::StrCat("unknown word '", Printable(word), "'");
  return UsageError(cause, DidYouMean(name,
                                      {"--bind", "--dial", "--key-file",
                                       "--max-runs", "--once"},
                                      "dist serve --help lists what there is"));
}

// The loopback networks: nobody else can connect.
bool IsLoopback(absl::string_view host) {
  return host == "localhost" || host == "::1" || absl::StartsWith(host, "127.");
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

// Lines of one text, the first after "dist serve: ".
void Log(const std::string& text) {
  std::string said = "dist serve: ";
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    absl::StrAppend(&said, Printable(line), "\n");
  }
  fputs(said.c_str(), stderr);
}

ServeSettings SettingsOf(const ServeOptions& options) {
  ServeSettings settings;
  settings.version = BuildVersion();
  settings.node = NodeStartCommand(ThisProgram(), WordsOfThisProcess());
  settings.spared = ChildProcesses();
  settings.max_runs = options.max_runs;
  settings.once = options.once;
  settings.log = Log;
  return settings;
}

// `server`: a Server or a Dialer.
template <class T>
void RunUntilStopped(const ServeFacts& facts, T* server, SignalWatch* signals) {
  fputs(DescribeServe(facts).c_str(), stdout);
  fflush(stdout);
  signals->Start([server](const std::string&) { server->RequestStop(); });
  server->Run();
}

absl::Status Serve(const ServeOptions& options) {
  ServeFacts facts;
  facts.address = options.address;
  facts.dials = options.dials;
  facts.host = HostName();
  facts.version = BuildVersion();
  facts.key_file =
      options.key_file.empty() ? DefaultKeyFile() : options.key_file;
  // Where it dials, somebody has the key already.
  DIST_ASSIGN_OR_RETURN(
      const ServeKey key,
      options.dials ? ReadServeKey(facts.key_file)
                    : FindOrMakeServeKey(facts.key_file, &facts.key_is_new));
  facts.fingerprint = key.Fingerprint();
  SignalWatch signals;
  if (options.dials) {
    Dialer dialer({facts.address, "dist --listen", facts.key_file}, key,
                  facts.host, SettingsOf(options));
    RunUntilStopped(facts, &dialer, &signals);
  } else {
    DIST_ASSIGN_OR_RETURN(OwnedFd listening,
                          ListenAt("--bind", &facts.address));
    Server server(std::move(listening), key, SettingsOf(options));
    RunUntilStopped(facts, &server, &signals);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ServeOptions> ParseServeOptions(
    const std::vector<std::string>& args) {
  ServeOptions options;
  std::string bind, dial;
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  app.add_flag("-h,--help", options.help);
  app.add_option("--bind", bind);
  app.add_option("--dial", dial);
  app.add_option("--key-file", options.key_file);
  CLI::Option* const max_runs = app.add_option("--max-runs", options.max_runs);
  max_runs->check(CLI::Range(1, 10000));
  app.add_flag("--once", options.once);
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::ParseError& error) {
    return UsageError(Printable(error.what()),
                      "dist serve --help lists what there is");
  }
  if (options.help) return options;
  if (!app.remaining().empty()) return UnknownWord(app.remaining()[0]);
  options.dials = !dial.empty();
  if (options.dials && !bind.empty()) {
    return UsageError("--bind and --dial",
                      "it waits for others, or goes to them; for both, start "
                      "it twice");
  }
  if (options.dials && max_runs->count() > 0) {
    return UsageError("--max-runs with --dial",
                      "leave it out: a host that dials has one run at a time");
  }
  if (!options.dials && bind.empty()) return options;
  absl::StatusOr<SocketAddress> address =
      options.dials ? ParseDialAddress(dial)
                    : ParseListenAddress("--bind", bind);
  if (!address.ok()) {
    return UsageError(
        address.status().message(),
        options.dials ? "write --dial HOST:PORT, as dist --listen says there"
                      : "write --bind ADDRESS:PORT, such as 0.0.0.0:8888");
  }
  options.address = *std::move(address);
  return options;
}

std::string ServeHelp() {
  return R"(usage: dist serve [OPTIONS]

Runs tests for every dist that has the same key: --tx socket=HOST:PORT there,
or with --dial HOST:PORT here, --listen ADDRESS:PORT there.

  --bind ADDRESS:PORT   where to listen; default 127.0.0.1:8888, which nobody
                        else can reach; 0.0.0.0:8888 and [::]:8888: everywhere
  --dial HOST:PORT      go to a dist --listen there instead of listening, for
                        hosts behind NAT; again and again until it is there
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
  const std::string key = Printable(facts.key_file);
  if (facts.dials) {
    return absl::StrCat(
        "dist ", facts.version, " offers ", Printable(facts.host), " to ",
        to_string(facts.address), "\nkey: ", key, " (", facts.fingerprint,
        ")\nthere: dist --listen ADDRESS:", facts.address.port, "\n");
  }
  const bool anywhere =
      facts.address.host == "0.0.0.0" || facts.address.host == "::";
  SocketAddress reached = facts.address;
  if (anywhere) reached.host = facts.host;
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
  command.insert(command.end(), {"node", "--served"});
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
