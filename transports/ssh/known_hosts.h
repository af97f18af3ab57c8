// known_hosts files: which keys a host is known by.
//
// The format is sshd(8)'s: [marker] names keytype base64-key [comment].
#ifndef DIST_TRANSPORTS_SSH_KNOWN_HOSTS_H_
#define DIST_TRANSPORTS_SSH_KNOWN_HOSTS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace dist {

enum class KnownHostsMark { kNone, kAuthority, kRevoked };

struct KnownHostsLine {
  KnownHostsMark mark = KnownHostsMark::kNone;
  std::string names;  // Patterns, or one hashed name.
  std::string type;   // "ssh-ed25519"
  std::string key;    // base64, as it stands there.
};

// Nothing: the line is blank, a comment, or not understood.
std::optional<KnownHostsLine> ParseKnownHostsLine(absl::string_view line);

// Whether the first field of a line means `name`: patterns with * ? and !,
// separated by commas, or |1|salt|hash. `name` is in lower case, with its port
// as "[host]:port" where that is not 22.
bool MatchesKnownHost(absl::string_view names, absl::string_view name);

// One key that a host is known by.
struct KnownKey {
  KnownHostsMark mark = KnownHostsMark::kNone;
  std::string type;
  std::string key;
  std::string where;          // "FILE:LINE"
  bool without_port = false;  // The line names the host without our port.
};

// The name that known_hosts has for a host.
std::string KnownHostName(absl::string_view host, int port);

class KnownKeys {
 public:
  // Adds the keys that the text of `file` has for the host. `alias` replaces
  // host and port (HostKeyAlias) unless it is "".
  void Add(absl::string_view text, absl::string_view file,
           absl::string_view host, int port, absl::string_view alias);

  enum class Verdict { kKnown, kUnknown, kChanged, kOtherType, kRevoked };
  // What the key is to us. `where` gets the line that decided, "" if none.
  Verdict Judge(absl::string_view type, absl::string_view key,
                std::string* where) const;

  // Key types the host is known by, in order of lines.
  std::vector<std::string> Types() const;
  // True if a certificate authority speaks for the host, and no key of its own.
  bool NeedsCertificate() const;

 private:
  std::vector<KnownKey> keys_;
};

}  // namespace dist

#endif  // DIST_TRANSPORTS_SSH_KNOWN_HOSTS_H_
