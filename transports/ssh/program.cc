#include "transports/ssh/program.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "core/base/status_macros.h"
#include "transports/kept_children.h"
#include "transports/owned_fd.h"
#include "transports/ssh/program_words.h"
#include "transports/ssh/pump.h"
#include "transports/ssh/run_program.h"
#include "transports/ssh/words.h"
#include "transports/wait.h"

namespace dist {
namespace {

constexpr absl::Duration kProbeLimit = absl::Seconds(10);

// The first value that ssh is given for an option counts, so these come before
// the user's own.
constexpr const char* kForced[] = {
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "ForwardAgent=no",
    "ForwardX11=no",
    "ClearAllForwardings=yes",
    "PermitLocalCommand=no",
    "RequestTTY=no",
    "ControlMaster=no",
    "UpdateHostKeys=no",
    "EscapeChar=none",
    "Tunnel=no",
};

std::vector<std::string> ForcedArgv() {
  std::vector<std::string> argv = {"ssh", "-T"};
  for (const char* option : kForced) {
    argv.push_back("-o");
    argv.push_back(option);
  }
  return argv;
}

void Append(std::vector<std::string> more, std::vector<std::string>* argv) {
  for (std::string& word : more) argv->push_back(std::move(word));
}

// -J would start an ssh that has none of our options: an unknown key of the
// jump host would be asked about, or accepted. So that ssh is ours to start.
std::vector<std::string> HopArgv(const std::vector<SshAddress>& hops,
                                 size_t last) {
  std::vector<std::string> argv = ForcedArgv();
  if (last > 0) {
    std::vector<std::string> words = HopArgv(hops, last - 1);
    words.insert(words.end() - 2, {"-W", "[%h]:%p"});
    std::vector<std::string> quoted;
    for (const std::string& word : words) {
      // The % of a -W is for ssh, any other stands for itself.
      const bool token = word == "[%h]:%p";
      quoted.push_back(
          ShellWord(token ? word : absl::StrReplaceAll(word, {{"%", "%%"}})));
    }
    argv.push_back("-o");
    argv.push_back(absl::StrCat("ProxyCommand=", absl::StrJoin(quoted, " ")));
  }
  Append(SshArguments(hops[last]), &argv);
  argv.push_back("--");
  argv.push_back(hops[last].host);
  return argv;
}

// Only a talkative ssh shows a fingerprint without asking a question. One with
// a key that it does not know gets no further than this one did.
std::string AskForHostKey(const std::vector<SshAddress>& hops,
                          const Patience& patience) {
  std::vector<std::string> argv = SshProgramArgv(hops, "true");
  argv.insert(argv.begin() + 1, "-v");
  const auto result = RunProgram(argv, AtMost(kProbeLimit, patience));
  if (!result.ok() || !MissesHostKey(result->err)) return "";
  return ShownHostKey(result->err);
}

absl::Status Explain(const std::vector<SshAddress>& hops,
                     const std::string& end, const std::string& words,
                     const Patience& patience) {
  // Its own exit status; others are the command's.
  if (end != "exit status 255") return absl::OkStatus();
  const std::string shown =
      MissesHostKey(words) ? AskForHostKey(hops, patience) : "";
  return ProgramFailure(hops.back(), words, shown);
}

}  // namespace

std::vector<std::string> SshProgramArgv(const std::vector<SshAddress>& hops,
                                        absl::string_view command) {
  std::vector<std::string> argv = HopArgv(hops, hops.size() - 1);
  argv.insert(argv.end() - 2, {"-o", "RemoteCommand=none"});
  argv.push_back(std::string(command));
  return argv;
}

absl::StatusOr<Stream> OpenProgramStream(const std::vector<SshAddress>& hops,
                                         absl::string_view command,
                                         const Patience& patience) {
  OwnedFd ours, theirs, words, their_words;
  DIST_RETURN_IF_ERROR(MakeSocketPair(&ours, &theirs));
  DIST_RETURN_IF_ERROR(MakeSocketPair(&words, &their_words));
  SpawnRequest request;
  request.argv = SshProgramArgv(hops, command);
  request.env = Environment();
  request.fds = {{theirs.get(), 0}, {theirs.get(), 1}, {their_words.get(), 2}};
  const auto pid = SpawnKept(request);
  if (!pid.ok()) {
    return Failure(absl::StatusCode::kFailedPrecondition,
                   absl::StrCat("no ssh program: ", pid.status().message()),
                   "install OpenSSH's client");
  }
  Stream stream;
  stream.child = *pid;
  stream.witness = std::make_shared<StreamWitness>();
  PumpWords(std::move(words), stream.witness);
  PumpChildEnd(stream.child, stream.witness);
  stream.fd = ours.Release();
  stream.explain = [hops, patience,
                    witness = stream.witness](const std::string& end) {
    return Explain(hops, end, witness->words(), patience);
  };
  return stream;
}

}  // namespace dist
