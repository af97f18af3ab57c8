// The key that a `dist serve` and those who may use it share.
#ifndef DIST_TRANSPORTS_TLS_KEY_H_
#define DIST_TRANSPORTS_TLS_KEY_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace dist {

// 256 random bits; never words that somebody chose, which could be guessed
// from a recorded handshake. Wiped when it goes.
class ServeKey {
 public:
  static constexpr size_t kBytes = 32;

  // REQUIRES: secret.size() == kBytes.
  explicit ServeKey(std::string secret) : secret_(std::move(secret)) {}
  ServeKey(const ServeKey&) = default;
  ServeKey& operator=(const ServeKey&) = default;
  ~ServeKey();

  const std::string& secret() const { return secret_; }
  // "dist1:0123456789abcdef": names the key without telling it. Handshakes
  // show it to everybody on the way.
  std::string Fingerprint() const;

 private:
  std::string secret_;
};

// Reads the one line of a key file. Errors: InvalidArgument, which quotes
// nothing of `text`.
absl::StatusOr<ServeKey> ParseServeKey(absl::string_view text);

// Errors of both: one line that names the file, and `help:` on another.
// Reads a key file. It must belong to the user or to root, and nobody else may
// read or write it. NotFound if there is none.
absl::StatusOr<ServeKey> ReadServeKey(const std::string& path);
// Makes a file of mode 0600 with a new key; missing folders get mode 0700.
// AlreadyExists if it is there.
absl::StatusOr<ServeKey> MakeServeKey(const std::string& path);

// Reads it, or makes it if there is none; `made` says which.
absl::StatusOr<ServeKey> FindOrMakeServeKey(const std::string& path,
                                            bool* made);

// Where the key is unless an option says so: $DIST_KEY_FILE, else
// ${XDG_CONFIG_HOME:-~/.config}/dist/key; "" without a home.
std::string DefaultKeyFile();

}  // namespace dist

#endif  // DIST_TRANSPORTS_TLS_KEY_H_
