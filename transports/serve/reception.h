// The coordinator's side of `dist --listen`: hosts come by themselves, and wait
// until a run needs them.
#ifndef DIST_TRANSPORTS_SERVE_RECEPTION_H_
#define DIST_TRANSPORTS_SERVE_RECEPTION_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "transports/owned_fd.h"
#include "transports/serve/door.h"
#include "transports/stream.h"
#include "transports/tls/key.h"
#include "transports/tls/session.h"

namespace dist {

// A host that has the key, and does what it is asked for next (docs/serve.md).
struct Offer {
  TlsSession tls;
  std::string host;      // What it calls itself: letters, digits and ".-_".
  std::string address;   // "10.0.0.1:5000"
  bool expected = true;  // It is the one that Await gave this place to.
};

// Listens on a thread of its own until it is destroyed. Thread-safe.
class Reception {
 public:
  // Waiting hosts beyond that are turned away.
  static constexpr size_t kMaxWaiting = 1000;

  // `listening`: of ListenAt. `version`: of hosts; others are turned away.
  // `log` is told, on any thread, one printable line of each who was; not any
  // more once Await has returned: the terminal is the run's then.
  Reception(OwnedFd listening, const ServeKey& key, std::string version,
            std::function<void(const std::string& line)> log);
  ~Reception();
  Reception(const Reception&) = delete;
  Reception& operator=(const Reception&) = delete;

  // Waits until `count` hosts are there, and keeps each for a place: the first
  // for 0, the next for 1. Returns their names, which may be alike. Tells
  // `patience.note` who is there whenever that changes. Errors: Cancelled,
  // DeadlineExceeded. Call it once, before Take.
  absl::StatusOr<std::vector<std::string>> Await(size_t count,
                                                 const Patience& patience);

  // The host that is kept for that place; once it is taken or gone, one of its
  // name that has come since, or any. Waits for one. Errors: Cancelled;
  // DeadlineExceeded, in words for the user.
  absl::StatusOr<Offer> Take(size_t place, const Patience& patience);

 private:
  using Guest = uint64_t;
  struct Waiting {
    Offer offer;
    std::optional<size_t> place;
  };

  void Run();
  void Receive(Admitted admitted);
  void Add(Admitted admitted);
  bool LookAtGuests();
  std::vector<std::string> Names();
  std::optional<Offer> TryTake(size_t place);

  const std::string version_;
  const std::function<void(const std::string&)> log_;
  std::atomic<bool> quiet_{false};
  Door door_;         // Of the thread.
  OwnedFd events_;    // An epoll of those who wait, and of stop_.
  OwnedFd stop_;      // An eventfd.
  OwnedFd changed_;   // A counting eventfd: who came or went.
  std::mutex mutex_;  // Guards all below.
  std::map<Guest, Waiting> waiting_;
  Guest last_guest_ = 0;
  std::vector<std::string> places_;  // Names, by place.
  std::thread thread_;
};

}  // namespace dist

#endif  // DIST_TRANSPORTS_SERVE_RECEPTION_H_
