#include "transports/tls/session.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace dist {

struct TlsState {
  ~TlsState() { SSL_free(ssl); }

  OwnedFd socket;
  ServeKey key;
  std::string name;    // Of the key.
  std::string ahead;   // To be read before what the socket has.
  int error = 0;       // errno of the socket.
  bool ended = false;  // The socket's stream, without a word of TLS.
  SSL* ssl = nullptr;
};

namespace {

using Moved = TlsSession::Moved;
using Want = TlsSession::Want;

constexpr char kSuite[] = "TLS_AES_128_GCM_SHA256";
constexpr unsigned char kSuiteId[] = {0x13, 0x01};
constexpr char kGroup[] = "X25519";
constexpr char kDeriveLabel[] = "EXPORTER-dist-link-key";

// The bytes below TLS. Not OpenSSL's own: its write() raises SIGPIPE.

int WireRead(BIO* bio, char* data, int size) {
  auto* const state = static_cast<TlsState*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (!state->ahead.empty()) {
    const size_t n = std::min<size_t>(size, state->ahead.size());
    memcpy(data, state->ahead.data(), n);
    state->ahead.erase(0, n);
    return static_cast<int>(n);
  }
  const ssize_t n = recv(state->socket.get(), data, size, MSG_DONTWAIT);
  if (n > 0) return static_cast<int>(n);
  if (n == 0) {
    state->ended = true;
    return 0;
  }
  if (errno == EAGAIN || errno == EINTR) {
    BIO_set_retry_read(bio);
  } else {
    state->error = errno;
  }
  return -1;
}

int WireWrite(BIO* bio, const char* data, int size) {
  auto* const state = static_cast<TlsState*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const ssize_t n =
      send(state->socket.get(), data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (n >= 0) return static_cast<int>(n);
  if (errno == EAGAIN || errno == EINTR) {
    BIO_set_retry_write(bio);
  } else {
    state->error = errno;
  }
  return -1;
}

long WireControl(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD* Wire() {
  static BIO_METHOD* const wire = [] {
    BIO_METHOD* const method =
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "dist");
    BIO_meth_set_read(method, WireRead);
    BIO_meth_set_write(method, WireWrite);
    BIO_meth_set_ctrl(method, WireControl);
    return method;
  }();
  return wire;
}

// The key in the shape in which OpenSSL takes it; null: no memory.
SSL_SESSION* SessionOf(SSL* ssl, const ServeKey& key) {
  SSL_SESSION* const session = SSL_SESSION_new();
  const SSL_CIPHER* const cipher = SSL_CIPHER_find(ssl, kSuiteId);
  const std::string& secret = key.secret();
  if (session != nullptr && cipher != nullptr &&
      SSL_SESSION_set1_master_key(
          session, reinterpret_cast<const unsigned char*>(secret.data()),
          secret.size()) == 1 &&
      SSL_SESSION_set_cipher(session, cipher) == 1 &&
      SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) == 1) {
    return session;
  }
  SSL_SESSION_free(session);
  return nullptr;
}

int UseKey(SSL* ssl, const EVP_MD* digest, const unsigned char** id,
           size_t* id_size, SSL_SESSION** session) {
  const auto* const state = static_cast<TlsState*>(SSL_get_app_data(ssl));
  *id = reinterpret_cast<const unsigned char*>(state->name.data());
  *id_size = state->name.size();
  *session = SessionOf(ssl, state->key);
  return *session != nullptr;
}

int FindKey(SSL* ssl, const unsigned char* id, size_t id_size,
            SSL_SESSION** session) {
  const auto* const state = static_cast<TlsState*>(SSL_get_app_data(ssl));
  *session = nullptr;
  if (id_size != state->name.size() ||
      CRYPTO_memcmp(id, state->name.data(), id_size) != 0) {
    return 1;  // No such key; there is no certificate to go on with.
  }
  *session = SessionOf(ssl, state->key);
  return *session != nullptr;
}

SSL_CTX* MakeContext(TlsSession::Side side) {
  const bool server = side == TlsSession::Side::kServer;
  SSL_CTX* const context =
      SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
  if (context == nullptr) return nullptr;
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  if (server) {
    SSL_CTX_set_psk_find_session_callback(context, FindKey);
  } else {
    SSL_CTX_set_psk_use_session_callback(context, UseKey);
    // Refuses a server that answers with a certificate instead of the key.
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  }
  if (SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
      SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
      SSL_CTX_set_ciphersuites(context, kSuite) == 1 &&
      SSL_CTX_set1_groups_list(context, kGroup) == 1 &&
      SSL_CTX_set_num_tickets(context, 0) == 1 &&
      SSL_CTX_set_max_early_data(context, 0) == 1) {
    return context;
  }
  SSL_CTX_free(context);
  return nullptr;
}

SSL_CTX* ContextOf(TlsSession::Side side) {
  static SSL_CTX* const client = MakeContext(TlsSession::Side::kClient);
  static SSL_CTX* const server = MakeContext(TlsSession::Side::kServer);
  return side == TlsSession::Side::kClient ? client : server;
}

// Whether these are alerts, or errors, of a peer that lacks our key.
bool IsOtherKey(int reason) {
  return reason == SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE ||
         reason == SSL_R_TLSV1_ALERT_UNKNOWN_PSK_IDENTITY ||
         reason == SSL_R_TLSV1_ALERT_DECRYPT_ERROR ||
         reason == SSL_R_SSLV3_ALERT_ILLEGAL_PARAMETER ||
         reason == SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM ||
         reason == SSL_R_NO_SHARED_CIPHER ||
         reason == SSL_R_BINDER_DOES_NOT_VERIFY;
}

// Why a call of OpenSSL that returned `result` failed for good.
absl::Status Failure(const TlsState& state) {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (state.error != 0) return absl::UnavailableError(strerror(state.error));
  if (state.ended) {
    return absl::UnavailableError("the connection was closed in between");
  }
  const int reason =
      ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
  if (IsOtherKey(reason)) {
    return absl::PermissionDeniedError("the other side has another key");
  }
  const char* const words = ERR_reason_error_string(code);
  return absl::InvalidArgumentError(
      absl::StrCat("the other side does not speak as expected",
                   words == nullptr ? "" : absl::StrCat(" (", words, ")")));
}

// What OpenSSL wants; the error if it is nothing that can be waited for.
absl::StatusOr<Want> Wanted(const TlsState& state, int result) {
  switch (SSL_get_error(state.ssl, result)) {
    case SSL_ERROR_WANT_READ:
      return Want::kRead;
    case SSL_ERROR_WANT_WRITE:
      return Want::kWrite;
    default:
      return Failure(state);
  }
}

}  // namespace

TlsSession::TlsSession(Side side, OwnedFd socket, const ServeKey& key,
                       std::string ahead)
    : state_(new TlsState{std::move(socket), key, key.Fingerprint(),
                          std::move(ahead)}) {
  SSL_CTX* const context = ContextOf(side);
  state_->ssl = context == nullptr ? nullptr : SSL_new(context);
  BIO* const bio = state_->ssl == nullptr ? nullptr : BIO_new(Wire());
  if (bio == nullptr) return;  // Shake() says so.
  BIO_set_data(bio, state_.get());
  BIO_set_init(bio, 1);
  SSL_set_bio(state_->ssl, bio, bio);
  SSL_set_app_data(state_->ssl, state_.get());
  if (side == Side::kClient) {
    SSL_set_connect_state(state_->ssl);
  } else {
    SSL_set_accept_state(state_->ssl);
  }
}

TlsSession::TlsSession(TlsSession&&) noexcept = default;
TlsSession& TlsSession::operator=(TlsSession&&) noexcept = default;
TlsSession::~TlsSession() = default;

int TlsSession::fd() const { return state_->socket.get(); }

absl::StatusOr<Want> TlsSession::Shake() {
  SSL* const ssl = state_->ssl;
  if (ssl == nullptr || SSL_get_rbio(ssl) == nullptr) {
    return absl::ResourceExhaustedError("OpenSSL cannot be set up");
  }
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl);
  if (result != 1) return Wanted(*state_, result);
  // Anything else would be a mistake of ours above, or of OpenSSL.
  if (SSL_session_reused(ssl) != 1 || SSL_version(ssl) != TLS1_3_VERSION ||
      SSL_get_negotiated_group(ssl) != NID_X25519) {
    return absl::PermissionDeniedError("the key was not used");
  }
  return Want::kNothing;
}

absl::StatusOr<Moved> TlsSession::Read(char* data, size_t size) {
  Moved moved;
  ERR_clear_error();
  const int result = SSL_read_ex(state_->ssl, data, size, &moved.bytes);
  if (result == 1) return moved;
  if (SSL_get_error(state_->ssl, result) == SSL_ERROR_ZERO_RETURN) {
    moved.ended = true;
    return moved;
  }
  const absl::StatusOr<Want> want = Wanted(*state_, result);
  if (!want.ok()) return want.status();
  moved.want = *want;
  return moved;
}

absl::StatusOr<Moved> TlsSession::Write(const char* data, size_t size) {
  Moved moved;
  ERR_clear_error();
  const int result = SSL_write_ex(state_->ssl, data, size, &moved.bytes);
  if (result == 1) return moved;
  const absl::StatusOr<Want> want = Wanted(*state_, result);
  if (!want.ok()) return want.status();
  moved.want = *want;
  return moved;
}

size_t TlsSession::pending() const {
  return static_cast<size_t>(SSL_pending(state_->ssl));
}

ServeKey TlsSession::DeriveKey() const {
  std::string secret(ServeKey::kBytes, '\0');
  // It fails only without memory, or before the handshake. No key then will do:
  // a known one would be worse than any.
  if (SSL_export_keying_material(
          state_->ssl, reinterpret_cast<unsigned char*>(&secret[0]),
          secret.size(), kDeriveLabel, sizeof(kDeriveLabel) - 1, nullptr, 0,
          0) != 1) {
    abort();
  }
  return ServeKey(std::move(secret));
}

OwnedFd TlsSession::Release() { return std::move(state_->socket); }

void TlsSession::Finish() {
  ERR_clear_error();
  SSL_shutdown(state_->ssl);
  ERR_clear_error();
}

}  // namespace dist
