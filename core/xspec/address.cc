#include "core/xspec/address.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"

namespace dist {
namespace {

template <class... Parts>
absl::Status Invalid(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

// What OpenSSH's valid_hostname() and valid_ruser() refuse.
bool IsSafe(absl::string_view name, absl::string_view forbidden) {
  if (name.empty() || name[0] == '-') return false;
  return std::all_of(name.begin(), name.end(), [&](char c) {
    return static_cast<unsigned char>(c) > 0x20 && c != 0x7f &&
           forbidden.find(c) == absl::string_view::npos;
  });
}

constexpr char kForbiddenInHost[] = "'`\"$\\;&<>|(){}";
constexpr char kForbiddenInUser[] = "'`\";&<>|(){}";

absl::StatusOr<int> ParsePort(absl::string_view text, int least = 1) {
  int port = 0;
  const bool digits = !text.empty() && std::all_of(text.begin(), text.end(),
                                                   absl::ascii_isdigit);
  if (!digits || !absl::SimpleAtoi(text, &port) || port < least ||
      port > 65535) {
    return Invalid("'", text, "' is no port (", least, " to 65535)");
  }
  return port;
}

absl::Status TakeHost(absl::string_view word, SshAddress* address) {
  const size_t at = word.rfind('@');
  if (!address->host.empty()) {
    return Invalid("two hosts, '", address->host, "' and '", word, "'");
  }
  if (at != absl::string_view::npos) {
    const absl::string_view user = word.substr(0, at);
    if (!IsSafe(user, kForbiddenInUser)) {
      return Invalid("'", user, "' is no user's name");
    }
    address->user = std::string(user);
    word = word.substr(at + 1);
  }
  if (!IsSafe(word, kForbiddenInHost)) {
    return Invalid("'", word, "' is no host's name");
  }
  address->host = std::string(word);
  return absl::OkStatus();
}

absl::Status TakeOption(char letter, const std::string& value,
                        std::string* login, SshAddress* address) {
  if (value.empty()) {
    return Invalid("ssh option '-", std::string(1, letter), "' needs a value");
  }
  if (letter == 'p') {
    DIST_ASSIGN_OR_RETURN(address->port, ParsePort(value));
  }
  if (letter == 'l' && !IsSafe(value, kForbiddenInUser)) {
    return Invalid("'", value, "' is no user's name");
  }
  if (letter == 'l') *login = value;
  if (letter == 'i') address->identities.push_back(value);
  if (letter == 'F') address->config_file = value;
  if (letter == 'J') address->jump = value;
  if (letter == 'o') address->options.push_back(value);
  return absl::OkStatus();
}

// `what` wants it; for errors.
absl::StatusOr<SocketAddress> ParseHostAndPort(absl::string_view what,
                                               absl::string_view text,
                                               int least_port) {
  const bool bracketed = absl::StartsWith(text, "[");
  const size_t colon = text.rfind(':');
  const size_t bracket = text.rfind(']');
  if (colon == absl::string_view::npos ||
      (bracketed && bracket != absl::string_view::npos && colon < bracket)) {
    return Invalid("'", what, "' needs a port");
  }
  absl::string_view host = text.substr(0, colon);
  if (bracketed) {
    if (bracket != colon - 1) return Invalid("'", what, "' is not [IPv6]:PORT");
    host = host.substr(1, bracket - 1);
  } else if (absl::StrContains(host, ":")) {
    return Invalid("an IPv6 address needs brackets, [::1]:8888");
  }
  if (!IsSafe(host, "'`\"$\\;&<>|(){}[]/@")) {
    return Invalid("'", host, "' is no host's name");
  }
  SocketAddress address;
  address.host = std::string(host);
  DIST_ASSIGN_OR_RETURN(address.port,
                        ParsePort(text.substr(colon + 1), least_port));
  return address;
}

}  // namespace

absl::StatusOr<SshAddress> ParseSshAddress(absl::string_view text) {
  DIST_ASSIGN_OR_RETURN(const std::vector<std::string> words,
                        SplitShellWords(text));
  SshAddress address;
  std::string login;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (!absl::StartsWith(word, "-")) {
      DIST_RETURN_IF_ERROR(TakeHost(word, &address));
      continue;
    }
    if (word.size() < 2 || !absl::StrContains("pilFJo", word.substr(1, 1))) {
      return Invalid("ssh option '", word,
                     "' is not understood (-p -i -l -F -J -o are)");
    }
    std::string value = word.substr(2);
    if (value.empty() && i + 1 < words.size()) value = words[++i];
    DIST_RETURN_IF_ERROR(TakeOption(word[1], value, &login, &address));
  }
  if (address.host.empty()) return Invalid("'ssh' names no host");
  if (address.user.empty()) address.user = login;
  return address;
}

absl::StatusOr<SocketAddress> ParseSocketAddress(absl::string_view text) {
  return ParseHostAndPort("socket", text, 1);
}

absl::StatusOr<SocketAddress> ParseListenAddress(absl::string_view what,
                                                 absl::string_view text) {
  return ParseHostAndPort(what, text, 0);
}

absl::StatusOr<SocketAddress> ParseDialAddress(absl::string_view text) {
  return ParseHostAndPort("--dial", text, 1);
}

std::string to_string(const SocketAddress& address) {
  const bool brackets = absl::StrContains(address.host, ":");
  return absl::StrCat(brackets ? "[" : "", address.host, brackets ? "]" : "",
                      ":", address.port);
}

}  // namespace dist
