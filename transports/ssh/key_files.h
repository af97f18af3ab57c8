// Keys in files.
#ifndef DIST_TRANSPORTS_SSH_KEY_FILES_H_
#define DIST_TRANSPORTS_SSH_KEY_FILES_H_

#include <libssh/libssh.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "transports/ssh/key_text.h"
#include "transports/stream.h"

namespace dist {

struct KeyFreer {
  void operator()(ssh_key key) const { ssh_key_free(key); }
};
using SshKey = std::unique_ptr<ssh_key_struct, KeyFreer>;

// What an IdentityFile is, without its passphrase.
struct KeyFile {
  std::string path;
  KeyBlob public_key;       // "": cannot be told.
  bool is_private = false;  // The file has a private key.
  bool encrypted = false;
  std::string unusable;  // Why it must not be used, "" if it may.
};
KeyFile ExamineKeyFile(const std::string& path);

// The private key. Asks for a passphrase on the terminal when it is encrypted,
// at most `prompts` times, 0: never; what was once decrypted is kept for other
// sessions of this process. Blocks. Errors: one line.
absl::StatusOr<SshKey> LoadPrivateKey(const KeyFile& file, int prompts,
                                      const Patience& patience);

// The public key as libssh has it, or null.
SshKey ImportPublicKey(const KeyBlob& blob);

}  // namespace dist

#endif  // DIST_TRANSPORTS_SSH_KEY_FILES_H_
