// Keys as text and as bytes: key files, and what an ssh-agent answers.
#ifndef DIST_TRANSPORTS_SSH_KEY_TEXT_H_
#define DIST_TRANSPORTS_SSH_KEY_TEXT_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace dist {

// A public key in the encoding of RFC 4253: its first string is its type.
using KeyBlob = std::string;

// The type of a key, or "" if it has none.
std::string KeyType(absl::string_view blob);

// Reads "type base64 [comment]", a .pub file. Nothing: not such a line.
std::optional<KeyBlob> ParsePublicKeyLine(absl::string_view text);

// What can be told of a private key without its passphrase.
struct PrivateKeyFacts {
  bool encrypted = false;
  KeyBlob public_key;  // "": only the key itself could tell (PEM).
};
// Reads PEM or OpenSSH's own format (PROTOCOL.key of its sources). Nothing: not
// a private key.
std::optional<PrivateKeyFacts> ParsePrivateKey(absl::string_view text);

struct AgentKey {
  KeyBlob blob;
  std::string comment;
};
// Reads an agent's answer to "request identities" without its length
// (draft-miller-ssh-agent). Errors: InvalidArgument.
absl::StatusOr<std::vector<AgentKey>> ParseAgentKeys(absl::string_view answer);
// The opposite, with the length in front.
std::string FormatAgentKeys(const std::vector<AgentKey>& keys);

}  // namespace dist

#endif  // DIST_TRANSPORTS_SSH_KEY_TEXT_H_
