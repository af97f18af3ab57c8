#include "transports/ssh/key_files.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <mutex>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/status_macros.h"
#include "transports/ssh/effective.h"
#include "transports/ssh/prompt.h"
#include "transports/ssh/words.h"
#include "transports/wait.h"

namespace dist {
namespace {

// Decrypted keys by path, so that a user is asked once, not once a host.
std::mutex cache_mutex;
std::map<std::string, SshKey>& Cache() {
  static auto* cache = new std::map<std::string, SshKey>;
  return *cache;
}
// Held while asking.
std::timed_mutex asking;

SshKey Cached(const std::string& path) {
  const std::lock_guard<std::mutex> lock(cache_mutex);
  const auto found = Cache().find(path);
  return found == Cache().end() ? nullptr
                                : SshKey(ssh_key_dup(found->second.get()));
}

SshKey Import(const std::string& path, const std::string& passphrase) {
  ssh_key key = nullptr;
  // Never null: OpenSSL would then ask on the terminal by itself.
  if (ssh_pki_import_privkey_file(path.c_str(), passphrase.c_str(), nullptr,
                                  nullptr, &key) != SSH_OK) {
    return nullptr;
  }
  return SshKey(key);
}

absl::StatusOr<SshKey> Ask(const KeyFile& file, int prompts,
                           const Patience& patience) {
  for (int i = 0; i < prompts; ++i) {
    DIST_ASSIGN_OR_RETURN(
        std::string passphrase,
        AskSecret(absl::StrCat("passphrase for ", ForeignWords(file.path),
                               i == 0 ? "" : " (that was wrong)", ": "),
                  patience));
    SshKey key = Import(file.path, passphrase);
    explicit_bzero(&passphrase[0], passphrase.size());
    if (key == nullptr) continue;
    const std::lock_guard<std::mutex> lock(cache_mutex);
    Cache()[file.path] = SshKey(ssh_key_dup(key.get()));
    return key;
  }
  return absl::UnauthenticatedError(prompts == 0 ? "it is encrypted"
                                                 : "wrong passphrase");
}

}  // namespace

KeyFile ExamineKeyFile(const std::string& path) {
  KeyFile file;
  file.path = path;
  const std::string text = ReadSmallFile(path);
  struct stat info;
  if (const auto facts = ParsePrivateKey(text)) {
    file.is_private = true;
    file.encrypted = facts->encrypted;
    file.public_key = facts->public_key;
    if (stat(path.c_str(), &info) == 0 && info.st_uid == getuid() &&
        (info.st_mode & 077) != 0) {
      file.unusable = absl::StrFormat("its mode %04o lets others read it",
                                      info.st_mode & 07777);
    }
  } else if (const auto blob = ParsePublicKeyLine(text)) {
    file.public_key = *blob;
  } else if (stat(path.c_str(), &info) == 0) {
    file.unusable = text.empty() ? "cannot be read" : "not a private key";
  }
  if (file.public_key.empty()) {
    file.public_key =
        ParsePublicKeyLine(ReadSmallFile(path + ".pub")).value_or("");
  }
  return file;
}

absl::StatusOr<SshKey> LoadPrivateKey(const KeyFile& file, int prompts,
                                      const Patience& patience) {
  if (!file.encrypted) {
    SshKey key = Import(file.path, "");
    if (key != nullptr) return key;
    return absl::UnauthenticatedError("not understood");
  }
  std::unique_lock<std::timed_mutex> turn(asking, std::defer_lock);
  DIST_RETURN_IF_ERROR(Lock(&turn, patience));
  if (SshKey key = Cached(file.path)) return key;
  return Ask(file, prompts, patience);
}

SshKey ImportPublicKey(const KeyBlob& blob) {
  ssh_key key = nullptr;
  const std::string type = KeyType(blob);
  const std::string base64 = absl::Base64Escape(blob);
  if (ssh_pki_import_pubkey_base64(base64.c_str(),
                                   ssh_key_type_from_name(type.c_str()),
                                   &key) != SSH_OK) {
    return nullptr;
  }
  return SshKey(key);
}

}  // namespace dist
