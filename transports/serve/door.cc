#include "transports/serve/door.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "transports/serve/greeting.h"
#include "transports/serve/opening.h"
#include "transports/tcp.h"

namespace dist {
namespace {

using Guest = Lobby::Guest;
using Want = TlsSession::Want;

constexpr absl::Duration kPatience = absl::Seconds(10);
constexpr size_t kMaxWaiting = 256;
constexpr size_t kMaxShaking = 16;
constexpr size_t kMaxAsking = 64;  // These have the key.
constexpr int kBacklog = 128;
// Between two rounds of those that are here already.
constexpr int kAcceptsAtOnce = 64;
// Without a descriptor to spare connections wait in the backlog.
constexpr absl::Duration kBreather = absl::Milliseconds(100);
constexpr int kRefusalsTold = 5;
constexpr absl::Duration kRefusalsPer = absl::Seconds(10);

absl::Status ListenFailure(absl::string_view option,
                           const SocketAddress& address, const char* why) {
  return absl::FailedPreconditionError(
      absl::StrCat("cannot listen at ", to_string(address), ": ", why,
                   "\nhelp: ", option, " ADDRESS:PORT names another place"));
}

void NotePort(int fd, SocketAddress* address) {
  sockaddr_in6 name = {};
  socklen_t size = sizeof(name);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) == 0) {
    address->port = ntohs(name.sin6_port);  // Where sockaddr_in has it, too.
  }
}

}  // namespace

absl::StatusOr<OwnedFd> ListenAt(absl::string_view option,
                                 SocketAddress* address) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int error =
      getaddrinfo(address->host.c_str(), absl::StrCat(address->port).c_str(),
                  &hints, &found);
  if (error != 0) return ListenFailure(option, *address, gai_strerror(error));
  OwnedFd fd(
      socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int one = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  const bool listens = bind(fd.get(), found->ai_addr, found->ai_addrlen) == 0 &&
                       listen(fd.get(), kBacklog) == 0;
  const int why = errno;
  freeaddrinfo(found);
  if (!listens) return ListenFailure(option, *address, strerror(why));
  NotePort(fd.get(), address);
  return fd;
}

void Refusals::Add(const std::string& line, absl::Time now) {
  if (now >= until_) {
    if (untold_ > 0) log_(absl::StrCat(untold_, " more were refused"));
    until_ = now + kRefusalsPer;
    told_ = untold_ = 0;
  }
  if (told_ < kRefusalsTold) {
    ++told_;
    log_(line);
  } else {
    ++untold_;
  }
}

struct Door::Visitor {
  OwnedFd socket;  // Until there is a session.
  std::string name;
  std::string origin;
  absl::Time deadline;
  Stage stage = kWaiting;
  std::string opening;
  std::optional<TlsSession> tls;
  Want want = Want::kRead;
  std::string request;

  int fd() const { return tls ? tls->fd() : socket.get(); }
};

Door::Door(OwnedFd listening, const ServeKey& key,
           std::function<void(const std::string& line)> log)
    : listening_(std::move(listening)),
      key_(key),
      refusals_(std::move(log)),
      lobbies_({Lobby(kMaxWaiting), Lobby(kMaxShaking), Lobby(kMaxAsking)}) {}

Door::~Door() = default;

std::vector<Admitted> Door::Attend(int wake) {
  const bool listens = absl::Now() >= paused_until_;
  std::vector<pollfd> fds = {{wake, POLLIN, 0},
                             {listens ? listening_.get() : -1, POLLIN, 0}};
  std::vector<Guest> guests;
  for (const auto& [guest, visitor] : visitors_) {
    const bool writes = visitor->want == Want::kWrite;
    fds.push_back(
        {visitor->fd(), static_cast<short>(writes ? POLLOUT : POLLIN), 0});
    guests.push_back(guest);
  }
  poll(fds.data(), fds.size(), Millis());
  // First those who are here: a crowd that comes now may take their place.
  for (size_t i = 0; i < guests.size(); ++i) {
    const auto found = visitors_.find(guests[i]);
    if (fds[i + 2].revents == 0 || found == visitors_.end()) continue;
    Hear(guests[i], found->second.get());
  }
  if (fds[1].revents != 0) Accept();
  for (const Lobby& lobby : lobbies_) {
    for (const Guest guest : lobby.Expired(absl::Now())) {
      Refuse(guest, "took longer than 10 s");
    }
  }
  return std::exchange(admitted_, {});
}

void Door::Close() {
  listening_.Reset();
  while (!visitors_.empty()) Forget(visitors_.begin()->first);
}

int Door::Millis() const {
  absl::Time next = absl::InfiniteFuture();
  for (const Lobby& lobby : lobbies_) {
    next = std::min(next, lobby.NextDeadline());
  }
  if (absl::Now() < paused_until_) next = std::min(next, paused_until_);
  if (next == absl::InfiniteFuture()) return -1;
  const int64_t millis = absl::ToInt64Milliseconds(next - absl::Now()) + 1;
  return static_cast<int>(std::max<int64_t>(millis, 0));
}

void Door::Accept() {
  for (int i = 0; i < kAcceptsAtOnce; ++i) {
    sockaddr_in6 from = {};
    socklen_t size = sizeof(from);
    OwnedFd fd(accept4(listening_.get(), reinterpret_cast<sockaddr*>(&from),
                       &size, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd.get() < 0) {
      const bool full = errno == EMFILE || errno == ENFILE ||
                        errno == ENOBUFS || errno == ENOMEM;
      if (full) paused_until_ = absl::Now() + kBreather;
      if (full || errno == EAGAIN) return;
      continue;  // That one is gone already.
    }
    TuneTcp(fd.get());
    auto visitor = std::make_unique<Visitor>();
    visitor->socket = std::move(fd);
    visitor->name = PeerName(&from, size);
    visitor->origin = Origin(&from, size);
    visitor->deadline = absl::Now() + kPatience;
    const Guest guest = ++last_guest_;
    Visitor* const entering = visitor.get();
    visitors_[guest] = std::move(visitor);
    Enter(guest, entering, kWaiting);
  }
}

// May be the last of others, but never of `guest`.
void Door::Enter(Guest guest, Visitor* visitor, Stage stage) {
  lobbies_[visitor->stage].Remove(guest);
  visitor->stage = stage;
  const auto crowded_out =
      lobbies_[stage].Add(guest, visitor->origin, visitor->deadline);
  if (crowded_out) Refuse(*crowded_out, "was one of too many");
}

void Door::Hear(Guest guest, Visitor* visitor) {
  if (visitor->stage == kWaiting && !Open(guest, visitor)) return;
  if (visitor->stage == kShaking && !Shake(guest, visitor)) return;
  Read(guest, visitor);
}

// These two return true when it is the next one's turn.

bool Door::Open(Guest guest, Visitor* visitor) {
  char bytes[kMaxOpening + 1];
  const ssize_t n = recv(visitor->fd(), bytes,
                         sizeof(bytes) - visitor->opening.size(), MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (n <= 0) {
    Forget(guest);
    return false;
  }
  visitor->opening.append(bytes, n);
  switch (JudgeOpening(visitor->opening)) {
    case Opening::kPartial:
      return false;
    case Opening::kForeign:
      Refuse(guest, "speaks something else");
      return false;
    case Opening::kWhole:
      break;
  }
  visitor->tls.emplace(TlsSession::Side::kServer, std::move(visitor->socket),
                       key_, std::exchange(visitor->opening, {}));
  Enter(guest, visitor, kShaking);
  return true;
}

bool Door::Shake(Guest guest, Visitor* visitor) {
  const absl::StatusOr<Want> want = visitor->tls->Shake();
  if (!want.ok()) {
    Refuse(guest, std::string(want.status().message()));
    return false;
  }
  visitor->want = *want;
  if (*want != Want::kNothing) return false;
  visitor->want = Want::kRead;
  Enter(guest, visitor, kAsking);
  return true;
}

void Door::Read(Guest guest, Visitor* visitor) {
  while (visitor->request.size() <= kMaxGreeting) {
    char c = 0;
    const auto moved = visitor->tls->Read(&c, 1);
    if (!moved.ok() || moved->ended) break;
    if (moved->bytes == 0) {
      visitor->want = moved->want;
      return;
    }
    if (c != '\n') {
      visitor->request.push_back(c);
      continue;
    }
    absl::StatusOr<ServeRequest> request = ParseServeRequest(visitor->request);
    if (!request.ok()) break;
    admitted_.push_back(
        {*std::move(visitor->tls), visitor->name, *std::move(request)});
    visitor->tls.reset();
    Forget(guest);
    return;
  }
  Refuse(guest, "has the key but asks for nothing that is known");
}

void Door::Refuse(Guest guest, const std::string& why) {
  const auto found = visitors_.find(guest);
  if (found == visitors_.end()) return;
  refusals_.Add(absl::StrCat("refused ", found->second->name, ": ", why),
                absl::Now());
  Forget(guest);
}

void Door::Forget(Guest guest) {
  for (Lobby& lobby : lobbies_) lobby.Remove(guest);
  visitors_.erase(guest);
}

}  // namespace dist
