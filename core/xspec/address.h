// The values of ssh=, socket= and listen=, taken apart, and of --ssh.
#ifndef DIST_CORE_XSPEC_ADDRESS_H_
#define DIST_CORE_XSPEC_ADDRESS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace dist {

// "[SSH-ARGS] [user@]host" of ssh=. What is empty was not given.
struct SshAddress {
  std::string host;
  std::string user;                     // user@ or -l; user@ wins, as in ssh.
  std::optional<int> port;              // -p
  std::vector<std::string> identities;  // -i, in given order.
  std::string config_file;              // -F
  std::string jump;                     // -J
  std::vector<std::string> options;     // -o, each "Key=Value" or "Key Value".
};

// What a host over ssh is reached with.
enum class SshChoice {
  kAuto,     // libssh, or the ssh program where the configuration needs it.
  kLibssh,   // libssh; what it cannot do is left out, with a note.
  kOpenSsh,  // The ssh program.
};

// Splits `text` like a shell. Accepts -p -i -l -F -J -o before or after one
// host, with attached or separate values. Refuses everything else, and hosts
// and users that OpenSSH refuses (a leading "-", shell metacharacters), since
// they can end up in a ProxyCommand. Errors: InvalidArgument, one line.
absl::StatusOr<SshAddress> ParseSshAddress(absl::string_view text);

struct SocketAddress {
  std::string host;  // IPv6 without its brackets.
  int port = 0;      // 1 to 65535.
};

// "HOST:PORT" or "[IPV6]:PORT". Errors: InvalidArgument, one line.
absl::StatusOr<SocketAddress> ParseSocketAddress(absl::string_view text);

// The same, of an option or key `what`, where one listens; port 0 stands for
// one that is free.
absl::StatusOr<SocketAddress> ParseListenAddress(absl::string_view what,
                                                 absl::string_view text);

// The same, of --dial.
absl::StatusOr<SocketAddress> ParseDialAddress(absl::string_view text);

// "HOST:PORT", "[IPV6]:PORT".
std::string to_string(const SocketAddress& address);

}  // namespace dist

#endif  // DIST_CORE_XSPEC_ADDRESS_H_
