#include "transports/tls/key.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"
#include "transports/owned_fd.h"

namespace dist {
namespace {

constexpr absl::string_view kMark = "dist-key-1 ";
constexpr size_t kMaxFile = 4 << 10;
constexpr size_t kShownBytes = 8;

absl::Status Failure(absl::StatusCode code, const std::string& path,
                     absl::string_view cause, absl::string_view help) {
  return absl::Status(code, absl::StrCat("key file ", Printable(path), ": ",
                                         cause, "\nhelp: ", help));
}

absl::Status SystemFailure(const std::string& path, int error) {
  if (error == ENOENT || error == ENOTDIR) {
    return Failure(absl::StatusCode::kNotFound, path, "there is none",
                   "copy it from where dist serve or dist --listen runs, which "
                   "says where it is there; --key-file FILE names another one");
  }
  return Failure(absl::StatusCode::kFailedPrecondition, path, strerror(error),
                 "--key-file FILE names another one");
}

// Of the descriptor that is read, so that nothing can change in between.
absl::Status CheckPrivate(const std::string& path, int fd) {
  struct stat info;
  if (fstat(fd, &info) != 0) return SystemFailure(path, errno);
  if (!S_ISREG(info.st_mode)) {
    return Failure(absl::StatusCode::kFailedPrecondition, path,
                   "it is no regular file", "--key-file FILE names a key");
  }
  if (info.st_uid != geteuid() && info.st_uid != 0) {
    return Failure(absl::StatusCode::kFailedPrecondition, path,
                   "it belongs to another user", "make a copy of your own");
  }
  if ((info.st_mode & 077) != 0) {
    return Failure(absl::StatusCode::kFailedPrecondition, path,
                   "others may read or write it",
                   absl::StrCat("chmod 600 ", Printable(path),
                                "; if somebody may have read it, remove it "
                                "and let dist serve make another one"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadAll(const std::string& path, int fd) {
  std::string text(kMaxFile + 1, '\0');
  size_t size = 0;
  while (size < text.size()) {
    const ssize_t n = read(fd, &text[size], text.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return SystemFailure(path, errno);
    if (n == 0) break;
    size += n;
  }
  text.resize(size);
  return text;
}

void MakeFolders(const std::string& path) {
  for (size_t i = 1; i < path.size(); ++i) {
    if (path[i] == '/') mkdir(path.substr(0, i).c_str(), 0700);
  }
}

}  // namespace

ServeKey::~ServeKey() { OPENSSL_cleanse(&secret_[0], secret_.size()); }

std::string ServeKey::Fingerprint() const {
  const std::string named = absl::StrCat("dist-key-1 name ", secret_);
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(named.data()), named.size(),
         digest);
  return absl::StrCat(
      "dist1:", absl::BytesToHexString(
                    {reinterpret_cast<const char*>(digest), kShownBytes}));
}

absl::StatusOr<ServeKey> ParseServeKey(absl::string_view text) {
  absl::ConsumeSuffix(&text, "\n");
  absl::ConsumeSuffix(&text, "\r");
  if (!absl::ConsumePrefix(&text, kMark)) {
    return absl::InvalidArgumentError("it is no key of dist");
  }
  if (text.size() != 2 * ServeKey::kBytes) {
    return absl::InvalidArgumentError(
        "the key in it is cut short or has too much");
  }
  for (const char c : text) {
    if (!absl::ascii_isxdigit(c)) {
      return absl::InvalidArgumentError("the key in it is damaged");
    }
  }
  return ServeKey(absl::HexStringToBytes(text));
}

absl::StatusOr<ServeKey> ReadServeKey(const std::string& path) {
  // A FIFO would keep us waiting.
  const OwnedFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return SystemFailure(path, errno);
  DIST_RETURN_IF_ERROR(CheckPrivate(path, file.get()));
  DIST_ASSIGN_OR_RETURN(std::string text, ReadAll(path, file.get()));
  absl::StatusOr<ServeKey> key = ParseServeKey(text);
  OPENSSL_cleanse(&text[0], text.size());
  if (key.ok()) return key;
  return Failure(absl::StatusCode::kInvalidArgument, path,
                 key.status().message(),
                 "copy it again from the host where dist serve runs");
}

absl::StatusOr<ServeKey> MakeServeKey(const std::string& path) {
  std::string secret(ServeKey::kBytes, '\0');
  if (RAND_priv_bytes(reinterpret_cast<unsigned char*>(&secret[0]),
                      static_cast<int>(secret.size())) != 1) {
    return Failure(absl::StatusCode::kInternal, path,
                   "the system gives no random bytes", "try again");
  }
  MakeFolders(path);
  const OwnedFd file(
      open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.get() < 0) {
    const int error = errno;
    return Failure(error == EEXIST ? absl::StatusCode::kAlreadyExists
                                   : absl::StatusCode::kFailedPrecondition,
                   path, absl::StrCat("cannot be made: ", strerror(error)),
                   "--key-file FILE names another place");
  }
  const std::string text =
      absl::StrCat(kMark, absl::BytesToHexString(secret), "\n");
  if (write(file.get(), text.data(), text.size()) !=
      static_cast<ssize_t>(text.size())) {
    const int error = errno;
    unlink(path.c_str());
    return Failure(absl::StatusCode::kFailedPrecondition, path,
                   absl::StrCat("cannot be written: ", strerror(error)),
                   "--key-file FILE names another place");
  }
  return ServeKey(std::move(secret));
}

absl::StatusOr<ServeKey> FindOrMakeServeKey(const std::string& path,
                                            bool* made) {
  *made = false;
  if (path.empty()) {
    return absl::FailedPreconditionError(
        "there is no home folder for a key\nhelp: --key-file FILE says where "
        "it shall be");
  }
  absl::StatusOr<ServeKey> key = ReadServeKey(path);
  if (!absl::IsNotFound(key.status())) return key;
  *made = true;
  return MakeServeKey(path);
}

std::string DefaultKeyFile() {
  const char* const named = getenv("DIST_KEY_FILE");
  if (named != nullptr && *named != '\0') return named;
  const char* const config = getenv("XDG_CONFIG_HOME");
  if (config != nullptr && *config == '/') {
    return absl::StrCat(config, "/dist/key");
  }
  const char* const home = getenv("HOME");
  if (home == nullptr || *home == '\0') return "";
  return absl::StrCat(home, "/.config/dist/key");
}

}  // namespace dist
