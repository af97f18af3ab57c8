#include "transports/tls/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>

#include <string>
#include <utility>

#include "tests/transports/tls/tls_pair.h"

namespace dist {
namespace {

using ::testing::HasSubstr;

std::string Receive(int fd) {
  char bytes[8192];
  const ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
  return std::string(bytes, std::max<ssize_t>(n, 0));
}

// The first message of a client with `key`.
std::string FirstMessage(const ServeKey& key) {
  Sockets sockets;
  TlsSession client(TlsSession::Side::kClient, std::move(sockets.a), key);
  EXPECT_TRUE(client.Shake().ok());
  return Receive(sockets.b.get());
}

TEST(TlsSession, CarriesBytesBetweenThoseWhoShareAKey) {
  TlsPair pair(KeyOf('k'), KeyOf('k'));
  pair.Shake();
  ASSERT_TRUE(pair.Done()) << pair.of_client.status()
                           << pair.of_server.status();
  ASSERT_EQ(pair.client.Write("there", 5)->bytes, 5u);
  char bytes[16];
  ASSERT_EQ(pair.server.Read(bytes, sizeof(bytes))->bytes, 5u);
  EXPECT_EQ(std::string(bytes, 5), "there");
  ASSERT_EQ(pair.server.Write("back", 4)->bytes, 4u);
  ASSERT_EQ(pair.client.Read(bytes, sizeof(bytes))->bytes, 4u);
  const auto nothing = pair.client.Read(bytes, sizeof(bytes));
  ASSERT_TRUE(nothing.ok());
  EXPECT_EQ(nothing->bytes, 0u);
  EXPECT_EQ(nothing->want, TlsSession::Want::kRead);
}

TEST(TlsSession, AnEndIsSaid) {
  TlsPair pair(KeyOf('k'), KeyOf('k'));
  pair.Shake();
  ASSERT_TRUE(pair.Done());
  pair.server.Finish();
  char c;
  const auto end = pair.client.Read(&c, 1);
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_TRUE(end->ended);
}

TEST(TlsSession, AnEndThatIsNotSaidIsALoss) {
  Sockets sockets;
  const int under = dup(sockets.b.get());
  TlsPair pair(KeyOf('k'), KeyOf('k'), std::move(sockets));
  pair.Shake();
  ASSERT_TRUE(pair.Done());
  shutdown(under, SHUT_RDWR);
  close(under);
  char c;
  EXPECT_EQ(pair.client.Read(&c, 1).status().code(),
            absl::StatusCode::kUnavailable);
}

TEST(TlsSession, AnotherKeyIsRefusedOnBothSides) {
  TlsPair pair(KeyOf('k'), KeyOf('x'));
  pair.Shake();
  EXPECT_FALSE(pair.Done());
  EXPECT_EQ(pair.of_server.status().code(), absl::StatusCode::kPermissionDenied)
      << pair.of_server.status();
  EXPECT_EQ(pair.of_client.status().code(), absl::StatusCode::kPermissionDenied)
      << pair.of_client.status();
}

// What a server could be told of a key is its name; that alone is not enough.
TEST(TlsSession, ACopiedFirstMessageDoesNotGetIn) {
  const std::string recorded = FirstMessage(KeyOf('k'));
  ASSERT_GT(recorded.size(), 100u);
  Sockets sockets;
  TlsSession server(TlsSession::Side::kServer, std::move(sockets.b), KeyOf('k'),
                    recorded);
  auto state = server.Shake();
  ASSERT_TRUE(state.ok()) << state.status();
  ASSERT_EQ(*state, TlsSession::Want::kRead);
  // Nor does the rest of a recording: it was made for other random numbers.
  Sockets others;
  const int tap = others.b.get();
  TlsSession client(TlsSession::Side::kClient, std::move(others.a), KeyOf('k'));
  TlsSession honest(TlsSession::Side::kServer, OwnedFd(dup(tap)), KeyOf('k'));
  ASSERT_TRUE(client.Shake().ok());
  ASSERT_TRUE(honest.Shake().ok());
  ASSERT_TRUE(client.Shake().ok());
  const std::string finished = Receive(tap);
  ASSERT_GT(finished.size(), 10u);
  ASSERT_GT(send(sockets.a.get(), finished.data(), finished.size(), 0), 0);
  state = server.Shake();
  EXPECT_FALSE(state.ok());
}

// But for the header of its record, which TLS 1.3 ignores.
TEST(TlsSession, EveryFlippedBitOfTheFirstMessageIsNoticed) {
  const std::string good = FirstMessage(KeyOf('k'));
  for (size_t bit = 40; bit < good.size() * 8; bit += 5) {
    std::string bad = good;
    bad[bit / 8] ^= 1 << bit % 8;
    Sockets sockets;
    TlsSession server(TlsSession::Side::kServer, std::move(sockets.b),
                      KeyOf('k'), bad);
    const auto state = server.Shake();
    // Where a length grew it waits for what will never come.
    EXPECT_TRUE(!state.ok() || Receive(sockets.a.get()).empty()) << bit;
  }
}

// A peer that uses OpenSSL without our rules.
class Foreigner {
 public:
  explicit Foreigner(bool server)
      : context_(
            SSL_CTX_new(server ? TLS_server_method() : TLS_client_method())) {}
  ~Foreigner() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }

  SSL_CTX* context() { return context_; }
  void Begin(int fd, bool server) {
    ssl_ = SSL_new(context_);
    SSL_set_fd(ssl_, fd);
    server ? SSL_set_accept_state(ssl_) : SSL_set_connect_state(ssl_);
  }
  bool Shake() { return SSL_do_handshake(ssl_) == 1; }

 private:
  SSL_CTX* const context_;
  SSL* ssl_ = nullptr;
};

absl::Status ServerAgainst(Foreigner* client) {
  Sockets sockets;
  client->Begin(sockets.a.get(), false);
  TlsSession server(TlsSession::Side::kServer, std::move(sockets.b),
                    KeyOf('k'));
  absl::StatusOr<TlsSession::Want> state = TlsSession::Want::kRead;
  for (int i = 0; i < 5 && state.ok(); ++i) {
    EXPECT_FALSE(client->Shake());
    state = server.Shake();
  }
  return state.status();
}

TEST(TlsSession, AClientWithoutAKeyIsRefused) {
  Foreigner client(false);
  EXPECT_FALSE(ServerAgainst(&client).ok());
}

TEST(TlsSession, ThereIsNoOlderTls) {
  Foreigner client(false);
  SSL_CTX_set_max_proto_version(client.context(), TLS1_2_VERSION);
  EXPECT_FALSE(ServerAgainst(&client).ok());
}

void GiveCertificate(SSL_CTX* context) {
  EVP_PKEY* const key = EVP_RSA_gen(2048);
  X509* const certificate = X509_new();
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_sign(certificate, key, EVP_sha256());
  SSL_CTX_use_certificate(context, certificate);
  SSL_CTX_use_PrivateKey(context, key);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

TEST(TlsSession, AServerWithACertificateInsteadOfTheKeyIsRefused) {
  Foreigner server(true);
  GiveCertificate(server.context());
  Sockets sockets;
  server.Begin(sockets.b.get(), true);
  TlsSession client(TlsSession::Side::kClient, std::move(sockets.a),
                    KeyOf('k'));
  absl::StatusOr<TlsSession::Want> state = TlsSession::Want::kRead;
  for (int i = 0; i < 5 && state.ok(); ++i) {
    state = client.Shake();
    server.Shake();
    ASSERT_FALSE(state.ok() && *state == TlsSession::Want::kNothing);
  }
  ASSERT_FALSE(state.ok());
  EXPECT_EQ(state.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(state.status().message()), HasSubstr("certificate"));
}

TEST(TlsSession, WhatIsNoTlsIsSaid) {
  Sockets sockets;
  ASSERT_GT(send(sockets.b.get(), "SSH-2.0-OpenSSH_9.2\r\n", 21, 0), 0);
  TlsSession client(TlsSession::Side::kClient, std::move(sockets.a),
                    KeyOf('k'));
  auto state = client.Shake();
  if (state.ok()) state = client.Shake();
  EXPECT_EQ(state.status().code(), absl::StatusCode::kInvalidArgument)
      << state.status();
}

}  // namespace
}  // namespace dist
