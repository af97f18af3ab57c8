#include "transports/ssh/effective.h"

#include <fcntl.h>
#include <libssh/libssh.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <mutex>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "transports/host_facts.h"
#include "transports/owned_fd.h"
#include "transports/spawn.h"
#include "transports/ssh/key_text.h"
#include "transports/ssh/run_program.h"
#include "transports/ssh/words.h"

namespace dist {
namespace {

constexpr size_t kMostOfAFile = 1 << 20;

struct Account {
  std::string name;
  std::string home;
};

Account LocalAccount() {
  Account account;
  passwd entry;
  passwd* found = nullptr;
  std::vector<char> buffer(16 << 10);
  if (getpwuid_r(getuid(), &entry, buffer.data(), buffer.size(), &found) == 0 &&
      found != nullptr) {
    account = {found->pw_name, found->pw_dir};
  }
  return account;
}

// What `ssh -G` says of a host that nothing is configured for. Its lists of
// algorithms are the defaults, so a list that differs is the user's.
absl::StatusOr<std::string> Defaults(const Patience& patience) {
  static std::mutex* mutex = new std::mutex;
  static std::string* cached = new std::string;
  {
    const std::lock_guard<std::mutex> lock(*mutex);
    if (!cached->empty()) return *cached;
  }
  DIST_ASSIGN_OR_RETURN(
      const ProgramResult result,
      RunProgram({"ssh", "-G", "-T", "-F", "none", "--", "localhost"},
                 patience));
  const std::lock_guard<std::mutex> lock(*mutex);
  *cached = result.out;
  return *cached;
}

absl::StatusOr<SshSettings> AskSshProgram(const SshAddress& address,
                                          const Patience& patience) {
  std::vector<std::string> argv = {"ssh", "-G", "-T"};
  for (const std::string& argument : SshArguments(address)) {
    argv.push_back(argument);
  }
  if (!address.jump.empty()) {
    argv.push_back("-J");
    argv.push_back(address.jump);
  }
  argv.push_back("--");
  argv.push_back(address.host);
  DIST_ASSIGN_OR_RETURN(const ProgramResult result, RunProgram(argv, patience));
  if (result.status != 0) {
    return Failure(
        absl::StatusCode::kInvalidArgument,
        absl::StrCat("the ssh configuration for ", address.host,
                     " cannot be used: ", ForeignWords(result.err)),
        absl::StrCat(SshCommandFor(address, "-G"), " says the same"));
  }
  DIST_ASSIGN_OR_RETURN(const std::string defaults, Defaults(patience));
  DIST_ASSIGN_OR_RETURN(SshSettings settings,
                        ParseSshSettings(result.out, defaults));
  settings.alias = address.host;
  return settings;
}

std::string Option(ssh_session session, ssh_options_e option) {
  char* value = nullptr;
  if (ssh_options_get(session, option, &value) != SSH_OK) return "";
  const std::string copy = value;
  ssh_string_free_char(value);
  return copy;
}

// There is no ssh program. libssh's reader passes over many keywords, but no
// other program could be taken for them either.
absl::StatusOr<SshSettings> AskLibssh(const SshAddress& address) {
  if (!address.options.empty()) {
    return Failure(absl::StatusCode::kUnimplemented,
                   "-o needs the ssh program, which is not installed",
                   "install OpenSSH's client");
  }
  const std::unique_ptr<ssh_session_struct, void (*)(ssh_session)> session(
      ssh_new(), ssh_free);
  ssh_options_set(session.get(), SSH_OPTIONS_HOST, address.host.c_str());
  const bool given = !address.config_file.empty();
  if (ssh_options_parse_config(
          session.get(), given ? address.config_file.c_str() : nullptr) != 0) {
    return Failure(absl::StatusCode::kInvalidArgument,
                   absl::StrCat("the ssh configuration cannot be read: ",
                                ForeignWords(ssh_get_error(session.get()))));
  }
  SshSettings settings;
  settings.alias = address.host;
  settings.host = Option(session.get(), SSH_OPTIONS_HOST);
  settings.user = Option(session.get(), SSH_OPTIONS_USER);
  if (settings.user.empty()) settings.user = LocalAccount().name;
  if (!address.user.empty()) settings.user = address.user;
  unsigned port = 22;
  ssh_options_get_port(session.get(), &port);
  settings.port = address.port.value_or(static_cast<int>(port));
  settings.identities = address.identities;
  settings.identities.push_back(Option(session.get(), SSH_OPTIONS_IDENTITY));
  for (const char* name : {"id_ed25519", "id_ecdsa", "id_rsa"}) {
    settings.identities.push_back(absl::StrCat("~/.ssh/", name));
  }
  const std::string known = Option(session.get(), SSH_OPTIONS_KNOWNHOSTS);
  settings.user_known_hosts = {known.empty() ? "~/.ssh/known_hosts" : known};
  settings.global_known_hosts = {"/etc/ssh/ssh_known_hosts"};
  settings.proxy_command = Option(session.get(), SSH_OPTIONS_PROXYCOMMAND);
  settings.proxy_jump = address.jump;
  return settings;
}

// What makes a key file useless to libssh; "" if nothing does.
std::string WhyNotLibssh(const std::string& path) {
  if (access(absl::StrCat(path, "-cert.pub").c_str(), R_OK) == 0) {
    return absl::StrCat("the certificate ", path, "-cert.pub");
  }
  const auto blob = ParsePublicKeyLine(ReadSmallFile(path + ".pub"));
  if (blob && absl::StartsWith(KeyType(*blob), "sk-")) {
    return absl::StrCat("the security key ", path);
  }
  return "";
}

}  // namespace

bool HasSshProgram() {
  return !FindProgram("ssh", GetVariable("PATH", Environment())).empty();
}

absl::StatusOr<SshSettings> LoadSshSettings(const SshAddress& address,
                                            const Patience& patience) {
  auto settings =
      HasSshProgram() ? AskSshProgram(address, patience) : AskLibssh(address);
  if (!settings.ok()) return settings;
  settings->address = address;
  for (const std::string& path : IdentityFiles(*settings)) {
    const std::string why = WhyNotLibssh(path);
    if (!why.empty()) settings->beyond_libssh.push_back(why);
  }
  for (const std::string& text :
       {settings->proxy_command, settings->identity_agent}) {
    const auto expanded = Expand(*settings, text);
    if (absl::IsUnimplemented(expanded.status())) {
      settings->beyond_libssh.push_back(
          std::string(expanded.status().message()));
    }
  }
  if (LoadKnownKeys(*settings).NeedsCertificate()) {
    settings->beyond_libssh.push_back("the host's @cert-authority");
  }
  return settings;
}

absl::StatusOr<std::string> Expand(const SshSettings& settings,
                                   absl::string_view text) {
  const Account account = LocalAccount();
  SshTokens tokens;
  tokens.alias = settings.alias;
  tokens.host = settings.host;
  tokens.port = absl::StrCat(settings.port);
  tokens.user = settings.user;
  tokens.local_user = account.name;
  tokens.home = account.home;
  tokens.uid = absl::StrCat(getuid());
  tokens.key_alias = settings.host_key_alias.empty() ? settings.alias
                                                     : settings.host_key_alias;
  tokens.local_host = HostName();
  return ExpandSshTokens(text, tokens, [](const char* name) -> const char* {
    return getenv(name);
  });
}

std::vector<std::string> IdentityFiles(const SshSettings& settings) {
  std::vector<std::string> files;
  for (const std::string& identity : settings.identities) {
    const auto path = Expand(settings, identity);
    if (!path.ok() || path->empty()) continue;
    // The key itself may be in the agent only.
    if (access(path->c_str(), F_OK) == 0 ||
        access(absl::StrCat(*path, ".pub").c_str(), F_OK) == 0) {
      files.push_back(*path);
    }
  }
  return files;
}

KnownKeys LoadKnownKeys(const SshSettings& settings) {
  KnownKeys keys;
  for (const auto* names :
       {&settings.user_known_hosts, &settings.global_known_hosts}) {
    for (const std::string& name : *names) {
      const auto path = Expand(settings, name);
      if (!path.ok()) continue;
      keys.Add(ReadSmallFile(*path), *path, settings.host, settings.port,
               settings.host_key_alias);
    }
  }
  return keys;
}

std::string ReadSmallFile(const std::string& path) {
  // Not blocking: a FIFO of that name must not stop us.
  const OwnedFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info;
  if (fd.get() < 0 || fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return "";
  }
  std::string text;
  char buffer[16 << 10];
  while (text.size() < kMostOfAFile) {
    const ssize_t n = read(fd.get(), buffer, sizeof(buffer));
    if (n <= 0) break;
    text.append(buffer, n);
  }
  return text;
}

}  // namespace dist
