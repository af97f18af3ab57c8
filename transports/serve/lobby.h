// Who waits at the door of a server: how many, from where, for how long.
#ifndef DIST_TRANSPORTS_SERVE_LOBBY_H_
#define DIST_TRANSPORTS_SERVE_LOBBY_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace dist {

// Not thread-safe. Reads no clock.
class Lobby {
 public:
  using Guest = uint64_t;

  explicit Lobby(size_t limit) : limit_(limit) {}

  // Adds one from `address`. When it gets too full somebody has to go, who is
  // returned: the one that has waited longest of the address with the most, so
  // that whoever comes in crowds crowds out himself. Never `guest`, unless
  // there is room for nobody else.
  std::optional<Guest> Add(Guest guest, const std::string& address,
                           absl::Time deadline);
  // Does nothing if it is not there.
  void Remove(Guest guest);
  // Those whose time is over; they stay until they are removed.
  std::vector<Guest> Expired(absl::Time now) const;
  // When the next one's is; InfiniteFuture: nobody waits.
  absl::Time NextDeadline() const;
  size_t size() const { return guests_.size(); }

 private:
  struct Entry {
    std::string address;
    absl::Time deadline;
  };

  const size_t limit_;
  std::map<Guest, Entry> guests_;  // Guests come with growing numbers.
};

// Who counts as one: an IPv4 address, or an IPv6 network of /64, which is what
// one owner has. `address`: the bytes of sockaddr_in6 or sockaddr_in.
std::string Origin(const void* address, size_t size);
// For people: "10.0.0.1:5000".
std::string PeerName(const void* address, size_t size);

}  // namespace dist

#endif  // DIST_TRANSPORTS_SERVE_LOBBY_H_
