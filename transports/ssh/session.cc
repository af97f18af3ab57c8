#include "transports/ssh/session.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"
#include "transports/ssh/host_key.h"
#include "transports/ssh/words.h"
#include "transports/wait.h"

namespace dist {
namespace {

// What a server may take until keys are exchanged, and say before "SSH-".
constexpr absl::Duration kHandshakeLimit = absl::Seconds(20);
constexpr size_t kMostBeforeBanner = 64 << 10;

// AES-GCM is three times as fast as the ChaCha20 that libssh begins with, and
// OpenSSH's own favourite key exchange costs 70 ms of CPU.
constexpr char kCiphers[] =
    "aes128-gcm@openssh.com,aes256-gcm@openssh.com,"
    "chacha20-poly1305@openssh.com,aes256-ctr,aes192-ctr,aes128-ctr";
constexpr char kKeyExchanges[] =
    "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,"
    "ecdh-sha2-nistp384,ecdh-sha2-nistp521,diffie-hellman-group18-sha512,"
    "diffie-hellman-group16-sha512,diffie-hellman-group-exchange-sha256,"
    "diffie-hellman-group14-sha256";

absl::Status SetOption(ssh_session session, ssh_options_e option,
                       const std::string& value, const char* keyword) {
  if (ssh_options_set(session, option, value.c_str()) == 0) {
    return absl::OkStatus();
  }
  return Failure(absl::StatusCode::kUnimplemented,
                 absl::StrCat("libssh has nothing of '", ForeignWords(value),
                              "', which ", keyword, " asks for"),
                 "--ssh=openssh uses the ssh program instead");
}

absl::Status SetOptions(ssh_session session, const SshSettings& settings,
                        const KnownKeys& known) {
  const auto set = [&](ssh_options_e option, const std::string& user,
                       const char* ours, const char* keyword) {
    if (user.empty() && *ours == '\0') return absl::OkStatus();
    return SetOption(session, option, user.empty() ? ours : user, keyword);
  };
  const int zero = 0, one = 1;
  // The user's configuration has been read; libssh must not read it again.
  const bool no = false;
  ssh_options_set(session, SSH_OPTIONS_PROCESS_CONFIG, &no);
  ssh_options_set(session, SSH_OPTIONS_STRICTHOSTKEYCHECK, &one);
  ssh_options_set(session, SSH_OPTIONS_GSSAPI_AUTH, &zero);
  // Not looked up, since the socket is given.
  ssh_options_set(session, SSH_OPTIONS_HOST, "host");
  DIST_RETURN_IF_ERROR(
      SetOption(session, SSH_OPTIONS_USER, settings.user, "User"));
  for (const auto option : {SSH_OPTIONS_CIPHERS_C_S, SSH_OPTIONS_CIPHERS_S_C}) {
    DIST_RETURN_IF_ERROR(set(option, settings.ciphers, kCiphers, "Ciphers"));
  }
  for (const auto option : {SSH_OPTIONS_HMAC_C_S, SSH_OPTIONS_HMAC_S_C}) {
    DIST_RETURN_IF_ERROR(set(option, settings.macs, "", "MACs"));
  }
  DIST_RETURN_IF_ERROR(set(SSH_OPTIONS_KEY_EXCHANGE, settings.key_exchanges,
                           kKeyExchanges, "KexAlgorithms"));
  DIST_RETURN_IF_ERROR(set(SSH_OPTIONS_PUBLICKEY_ACCEPTED_TYPES,
                           settings.public_key_algorithms, "",
                           "PubkeyAcceptedAlgorithms"));
  const std::string host_keys = settings.host_key_algorithms.empty()
                                    ? HostKeyAlgorithms(known.Types())
                                    : settings.host_key_algorithms;
  DIST_RETURN_IF_ERROR(
      SetOption(session, SSH_OPTIONS_HOSTKEYS, host_keys, "HostKeyAlgorithms"));
  ssh_options_set(session, SSH_OPTIONS_COMPRESSION,
                  settings.compression ? "yes" : "no");
  return absl::OkStatus();
}

// What the server says before its banner "SSH-2.0-...", which libssh drops.
class FirstWords {
 public:
  // Looks at what can be read now, without taking it.
  void Peek(int fd) {
    if (done_) return;
    char buffer[4096];
    const ssize_t n = recv(fd, buffer, sizeof(buffer), MSG_PEEK | MSG_DONTWAIT);
    if (n <= 0) return;
    total_ += n;
    if (words_.size() < sizeof(buffer)) words_.append(buffer, n);
    done_ =
        absl::StartsWith(words_, "SSH-") || absl::StrContains(words_, "\nSSH-");
  }
  bool too_many() const { return !done_ && total_ > kMostBeforeBanner; }
  bool has_banner() const { return done_; }
  const std::string& words() const { return words_; }

 private:
  std::string words_;
  size_t total_ = 0;
  bool done_ = false;
};

// OpenSSH says one of these, or nothing, to whom it does not let log in now.
bool TurnsAway(const FirstWords& first) {
  return !first.has_banner() &&
         (first.words().empty() ||
          absl::StrContains(first.words(), "MaxStartups") ||
          absl::StrContains(first.words(), "Not allowed at this time"));
}

// Why there was no handshake.
absl::Status HandshakeFailure(ssh_session session, const FirstWords& first,
                              const SshSettings& settings) {
  const std::string where = Where(settings);
  if (first.has_banner()) {
    return Failure(absl::StatusCode::kUnavailable,
                   absl::StrCat("no ssh connection to ", where, ": ",
                                SessionWords(session)),
                   absl::StrCat("try ", SshCommandFor(settings.address)));
  }
  if (first.words().empty()) {
    return Failure(absl::StatusCode::kUnavailable,
                   absl::StrCat(where,
                                " closed the connection before it said "
                                "who it is"),
                   "is that an ssh server? If it is, it has too many logins "
                   "pending: see MaxStartups in its sshd_config");
  }
  if (TurnsAway(first)) {
    return Failure(
        absl::StatusCode::kUnavailable,
        absl::StrCat(where, " turns us away: ", ForeignWords(first.words())),
        "too many logins are pending or have failed there: see "
        "MaxStartups and PerSourcePenalties in its sshd_config");
  }
  return Failure(absl::StatusCode::kUnavailable,
                 absl::StrCat(where, " is no ssh server; it says: ",
                              ForeignWords(first.words())),
                 "check host and port");
}

absl::Status TooSlow(const FirstWords& first, const SshSettings& settings) {
  return Failure(
      absl::StatusCode::kDeadlineExceeded,
      absl::StrCat(Where(settings), first.has_banner()
                                        ? " takes too long to exchange keys"
                                        : " accepts the connection, but does "
                                          "not say that it is an ssh server"),
      "is the host overloaded, or something else on that port?");
}

absl::Status Exchange(ssh_session session, int fd, const SshSettings& settings,
                      const Patience& caller, bool* turned_away) {
  const Patience patience = AtMost(kHandshakeLimit, caller);
  FirstWords first;
  bool started = false;
  const auto call = [&]() -> int {
    // The first call only says our banner.
    if (started) first.Peek(fd);
    started = true;
    if (first.too_many()) return SSH_ERROR;
    const int result = ssh_connect(session);
    // libssh makes the socket blocking; one host could then stop the others.
    if (ssh_get_fd(session) >= 0) SetNonBlocking(fd);
    return result;
  };
  const auto result = Drive(session, SSH_AGAIN, patience, call);
  if (absl::IsDeadlineExceeded(result.status())) {
    return TooSlow(first, settings);
  }
  DIST_RETURN_IF_ERROR(result.status());
  if (*result == SSH_OK) return absl::OkStatus();
  *turned_away = TurnsAway(first);
  return HandshakeFailure(session, first, settings);
}

}  // namespace

absl::StatusOr<int> Drive(ssh_session session, int again,
                          const Patience& patience,
                          const std::function<int()>& call) {
  while (true) {
    const int result = call();
    if (result != again) return result;
    const int fd = ssh_get_fd(session);
    if (fd < 0) return SSH_ERROR;
    const bool pending = (ssh_get_poll_flags(session) & SSH_WRITE_PENDING) != 0;
    // Bounded, in case libssh has bytes that its socket does not tell of.
    DIST_RETURN_IF_ERROR(
        WaitAtMost(fd, static_cast<short>(POLLIN | (pending ? POLLOUT : 0)),
                   absl::Seconds(1), patience));
    // After a login sshd sends an unasked packet, and Nagle's algorithm holds
    // the next one until that is acknowledged: 40 ms unless we do it now.
    const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof(one));
  }
}

std::string SessionWords(ssh_session session) {
  absl::string_view words = ssh_get_error(session);
  if (absl::StrContains(words, "Socket error: disconnected")) {
    return "the host closed the connection";
  }
  absl::ConsumePrefix(&words, "Socket error: ");
  // "Received SSH_MSG_DISCONNECT: 2:Too many authentication failures".
  if (absl::ConsumePrefix(&words, "Received SSH_MSG_DISCONNECT: ")) {
    words.remove_prefix(std::min(words.find(':') + 1, words.size()));
  }
  return words.empty() ? "connection lost" : ForeignWords(words);
}

Handshake ShakeHands(OwnedFd fd, const SshSettings& settings,
                     const KnownKeys& known, const Patience& patience) {
  Handshake result;
  result.session.reset(ssh_new());
  ssh_session session = result.session.get();
  result.status = SetOptions(session, settings, known);
  if (!result.status.ok()) return result;
  ssh_set_blocking(session, 0);
  const int raw = fd.Release();  // libssh closes it.
  ssh_options_set(session, SSH_OPTIONS_FD, &raw);
  result.status =
      Exchange(session, raw, settings, patience, &result.turned_away);
  if (result.status.ok()) {
    result.status = CheckHostKey(session, settings, known);
  }
  return result;
}

}  // namespace dist
