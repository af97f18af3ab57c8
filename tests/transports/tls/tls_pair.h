// Two sessions over a pair of sockets, driven in turn by one thread.
#ifndef DIST_TESTS_TRANSPORTS_TLS_TLS_PAIR_H_
#define DIST_TESTS_TRANSPORTS_TLS_TLS_PAIR_H_

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "transports/tls/session.h"
#include "transports/wait.h"

namespace dist {

inline ServeKey KeyOf(char c) {
  return ServeKey(std::string(ServeKey::kBytes, c));
}

struct Sockets {
  Sockets() {
    EXPECT_TRUE(MakeSocketPair(&a, &b).ok());
    SetNonBlocking(a.get());
    SetNonBlocking(b.get());
  }
  OwnedFd a, b;
};

struct TlsPair {
  TlsPair(const ServeKey& clients, const ServeKey& servers)
      : TlsPair(clients, servers, Sockets()) {}
  TlsPair(const ServeKey& clients, const ServeKey& servers, Sockets sockets)
      : client(TlsSession::Side::kClient, std::move(sockets.a), clients),
        server(TlsSession::Side::kServer, std::move(sockets.b), servers) {}

  // Both until they are done or fail.
  void Shake() {
    for (int round = 0; round < 10; ++round) {
      if (of_client.ok()) of_client = client.Shake();
      if (of_server.ok()) of_server = server.Shake();
    }
  }
  bool Done() const {
    return of_client.ok() && of_server.ok() &&
           *of_client == TlsSession::Want::kNothing &&
           *of_server == TlsSession::Want::kNothing;
  }

  TlsSession client;
  TlsSession server;
  absl::StatusOr<TlsSession::Want> of_client = TlsSession::Want::kRead;
  absl::StatusOr<TlsSession::Want> of_server = TlsSession::Want::kRead;
};

}  // namespace dist

#endif  // DIST_TESTS_TRANSPORTS_TLS_TLS_PAIR_H_
