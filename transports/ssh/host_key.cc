#include "transports/ssh/host_key.h"

#include <algorithm>
#include <memory>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "transports/ssh/effective.h"
#include "transports/ssh/key_text.h"
#include "transports/ssh/words.h"

namespace dist {
namespace {

constexpr char kAlgorithms[] =
    "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,"
    "sk-ssh-ed25519@openssh.com,sk-ecdsa-sha2-nistp256@openssh.com,"
    "rsa-sha2-512,rsa-sha2-256";

bool IsOfType(absl::string_view algorithm, absl::string_view type) {
  return algorithm == type ||
         (type == "ssh-rsa" && algorithm.substr(0, 4) == "rsa-");
}

struct ServerKey {
  std::string type;
  std::string base64;
  std::string fingerprint;  // "SHA256:..."
};

bool GetServerKey(ssh_session session, ServerKey* out) {
  ssh_key raw = nullptr;
  if (ssh_get_server_publickey(session, &raw) != SSH_OK) return false;
  const std::unique_ptr<ssh_key_struct, void (*)(ssh_key)> key(raw,
                                                               ssh_key_free);
  char* base64 = nullptr;
  if (ssh_pki_export_pubkey_base64(raw, &base64) != SSH_OK) return false;
  out->base64 = base64;
  ssh_string_free_char(base64);
  std::string blob;
  if (!absl::Base64Unescape(out->base64, &blob)) return false;
  out->type = KeyType(blob);
  unsigned char* hash = nullptr;
  size_t size = 0;
  if (ssh_get_publickey_hash(raw, SSH_PUBLICKEY_HASH_SHA256, &hash, &size) !=
      0) {
    return false;
  }
  char* text = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, size);
  out->fingerprint = text == nullptr ? "" : text;
  ssh_string_free_char(text);
  ssh_clean_pubkey_hash(&hash);
  return true;
}

// The file that a user would add a key to.
std::string FileToChange(const SshSettings& settings) {
  if (settings.user_known_hosts.empty()) return "~/.ssh/known_hosts";
  const auto path = Expand(settings, settings.user_known_hosts[0]);
  return path.ok() ? *path : settings.user_known_hosts[0];
}

std::string NameInFile(const SshSettings& settings) {
  return settings.host_key_alias.empty()
             ? KnownHostName(settings.host, settings.port)
             : settings.host_key_alias;
}

absl::Status Unknown(const SshSettings& settings, const ServerKey& key) {
  return Failure(
      absl::StatusCode::kPermissionDenied,
      absl::StrCat("the host key of ", Where(settings), " is not known (",
                   key.type, " ", key.fingerprint, ")"),
      absl::StrCat("if that is its fingerprint: echo ",
                   ShellWord(absl::StrCat(NameInFile(settings), " ", key.type,
                                          " ", key.base64)),
                   " >> ", ShellWord(FileToChange(settings))));
}

absl::Status Changed(const SshSettings& settings, const ServerKey& key,
                     const std::string& where) {
  return Failure(
      absl::StatusCode::kPermissionDenied,
      absl::StrCat("THE HOST KEY OF ", Where(settings),
                   " HAS CHANGED: somebody may be listening in, or the host "
                   "was installed anew; it shows ",
                   key.type, " ", key.fingerprint, ", ", where,
                   " has another one"),
      absl::StrCat("ask who runs the host. Only if it was installed anew: "
                   "ssh-keygen -f ",
                   ShellWord(where.substr(0, where.rfind(':'))), " -R ",
                   ShellWord(NameInFile(settings))));
}

}  // namespace

std::string HostKeyAlgorithms(const std::vector<std::string>& known_types) {
  std::vector<absl::string_view> algorithms =
      absl::StrSplit(absl::string_view(kAlgorithms), ',');
  std::stable_partition(
      algorithms.begin(), algorithms.end(), [&](absl::string_view algorithm) {
        return std::any_of(
            known_types.begin(), known_types.end(),
            [&](const std::string& type) { return IsOfType(algorithm, type); });
      });
  return absl::StrJoin(algorithms, ",");
}

absl::Status CheckHostKey(ssh_session session, const SshSettings& settings,
                          const KnownKeys& known) {
  ServerKey key;
  if (!GetServerKey(session, &key)) {
    return Failure(absl::StatusCode::kPermissionDenied,
                   absl::StrCat(Where(settings), " shows no usable host key"));
  }
  std::string where;
  switch (known.Judge(key.type, key.base64, &where)) {
    case KnownKeys::Verdict::kKnown:
      return absl::OkStatus();
    case KnownKeys::Verdict::kUnknown:
      return Unknown(settings, key);
    case KnownKeys::Verdict::kChanged:
      return Changed(settings, key, where);
    case KnownKeys::Verdict::kOtherType:
      return Failure(
          absl::StatusCode::kPermissionDenied,
          absl::StrCat(Where(settings), " is known by ",
                       absl::StrJoin(known.Types(), ", "), " (", where,
                       "), but shows only ", key.type, " ", key.fingerprint),
          absl::StrCat("ask who runs the host. If that is its fingerprint: "
                       "echo ",
                       ShellWord(absl::StrCat(NameInFile(settings), " ",
                                              key.type, " ", key.base64)),
                       " >> ", ShellWord(FileToChange(settings))));
    case KnownKeys::Verdict::kRevoked:
      break;
  }
  return Failure(
      absl::StatusCode::kPermissionDenied,
      absl::StrCat("THE HOST KEY OF ", Where(settings), " IS REVOKED (", where,
                   "): ", key.type, " ", key.fingerprint),
      "do not connect; ask who runs the host");
}

}  // namespace dist
