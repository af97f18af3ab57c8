// What OpenSSH's configuration says of one host.
#ifndef DIST_TRANSPORTS_SSH_SETTINGS_H_
#define DIST_TRANSPORTS_SSH_SETTINGS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/xspec/address.h"

namespace dist {

// Effective settings. Lists of algorithms are empty where the user left them
// at OpenSSH's default. Paths and commands still have their ~ and %-tokens.
struct SshSettings {
  SshAddress address;  // As the user wrote it.
  std::string alias;   // Its host.
  std::string host;   // Where to connect to.
  std::string user;
  int port = 22;

  std::vector<std::string> identities;
  bool identities_only = false;
  std::string identity_agent;  // "": SSH_AUTH_SOCK; "none"; a path; "$NAME".
  bool public_keys = true;     // PubkeyAuthentication
  bool batch = false;          // No questions.
  int passphrase_prompts = 3;

  std::vector<std::string> user_known_hosts;
  std::vector<std::string> global_known_hosts;
  std::string host_key_alias;

  std::string proxy_jump;
  std::string proxy_command;
  std::string address_family = "any";  // "inet", "inet6"
  std::string bind_address;
  int connect_timeout = 0;  // Seconds; 0: ours.

  std::string ciphers;
  std::string macs;
  std::string key_exchanges;
  std::string host_key_algorithms;
  std::string public_key_algorithms;
  bool compression = false;

  // What these settings need and libssh cannot do, as words for people:
  // "CertificateFile".
  std::vector<std::string> beyond_libssh;
};

// Reads what `ssh -G` prints: "keyword value" a line, keywords in lower case.
// Unknown keywords are skipped. `defaults` is the same for a host without any
// configuration. Errors: InvalidArgument when there is no usable host, user or
// port in it.
absl::StatusOr<SshSettings> ParseSshSettings(absl::string_view text,
                                             absl::string_view defaults);

// What %-tokens stand for.
struct SshTokens {
  std::string alias;       // %n
  std::string host;        // %h
  std::string port;        // %p
  std::string user;        // %r
  std::string local_user;  // %u
  std::string home;        // %d and ~
  std::string uid;         // %i
  std::string key_alias;   // %k
  std::string local_host;  // %l; its first part: %L
};

// Replaces a leading "~/" and the tokens above. ${NAME} is replaced by
// `variable(NAME)`, null there is an error. Errors: Unimplemented for other
// tokens, InvalidArgument for the rest; both name what is wrong.
absl::StatusOr<std::string> ExpandSshTokens(
    absl::string_view text, const SshTokens& tokens,
    const char* (*variable)(const char* name));

// Splits a ProxyJump: "[user@]host[:port]" or an ssh:// URI, separated by
// commas, into its last hop and what comes before that.
struct SshJump {
  std::string user;
  std::string host;
  int port = 0;        // 0: not given.
  std::string before;  // The hops before it, "" if it is the first.
};
absl::StatusOr<SshJump> ParseSshJump(absl::string_view text);

}  // namespace dist

#endif  // DIST_TRANSPORTS_SSH_SETTINGS_H_
