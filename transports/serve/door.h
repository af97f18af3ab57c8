// The door of a server: from a connection to a peer that has the key.
//
// Before a peer has shown that it knows the key, all there is of it is a
// socket, and 1 KiB of what it said: 256 at most. For 16 of them at most, which
// sent a whole first message, there is a TLS session as well. Each has 10 s to
// get in.
#ifndef DIST_TRANSPORTS_SERVE_DOOR_H_
#define DIST_TRANSPORTS_SERVE_DOOR_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/xspec/address.h"
#include "transports/owned_fd.h"
#include "transports/serve/greeting.h"
#include "transports/serve/lobby.h"
#include "transports/tls/session.h"

namespace dist {

// A socket that listens there, close-on-exec. `address->port` becomes the real
// one. Errors: one line, and `help:` on another, which names `option`.
absl::StatusOr<OwnedFd> ListenAt(absl::string_view option,
                                 SocketAddress* address);

// Lines about refusals, of which only some are told, so that nobody can fill a
// disk with them.
class Refusals {
 public:
  explicit Refusals(std::function<void(const std::string&)> log)
      : log_(std::move(log)) {}
  void Add(const std::string& line, absl::Time now);

 private:
  const std::function<void(const std::string&)> log_;
  absl::Time until_ = absl::InfinitePast();
  int told_ = 0;
  int untold_ = 0;
};

// One who has the key, and asks to be let in.
struct Admitted {
  TlsSession tls;
  std::string name;  // "10.0.0.1:5000"
  ServeRequest request;
};

// Not thread-safe.
class Door {
 public:
  // `listening`: non-blocking. `log` is told of refusals, some of them.
  Door(OwnedFd listening, const ServeKey& key,
       std::function<void(const std::string& line)> log);
  ~Door();

  // Waits until somebody is let in or `wake` is readable, whichever is first;
  // may return without either.
  std::vector<Admitted> Attend(int wake);

  // Nobody is let in any more; those who wait are sent away.
  void Close();

 private:
  struct Visitor;
  enum Stage { kWaiting, kShaking, kAsking, kStages };

  int Millis() const;
  void Accept();
  void Hear(Lobby::Guest guest, Visitor* visitor);
  bool Open(Lobby::Guest guest, Visitor* visitor);
  bool Shake(Lobby::Guest guest, Visitor* visitor);
  void Read(Lobby::Guest guest, Visitor* visitor);
  void Enter(Lobby::Guest guest, Visitor* visitor, Stage stage);
  void Refuse(Lobby::Guest guest, const std::string& why);
  void Forget(Lobby::Guest guest);

  OwnedFd listening_;
  const ServeKey key_;
  Refusals refusals_;
  std::vector<Lobby> lobbies_;  // By stage.
  std::map<Lobby::Guest, std::unique_ptr<Visitor>> visitors_;
  Lobby::Guest last_guest_ = 0;
  absl::Time paused_until_ = absl::InfinitePast();  // No descriptor to spare.
  std::vector<Admitted> admitted_;
};

}  // namespace dist

#endif  // DIST_TRANSPORTS_SERVE_DOOR_H_
