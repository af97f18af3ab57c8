#include "transports/serve/lobby.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace dist {
namespace {

constexpr size_t kNetworkBytes = 8;

// Of any family; all of it zero if it is none that we know.
sockaddr_in6 Mapped(const void* address, size_t size) {
  sockaddr_in6 six = {};
  sockaddr_in four = {};
  if (size >= sizeof(six)) {
    memcpy(&six, address, sizeof(six));
  } else if (size >= sizeof(four)) {
    memcpy(&four, address, sizeof(four));
    six.sin6_port = four.sin_port;
    six.sin6_addr.s6_addr[10] = six.sin6_addr.s6_addr[11] = 0xff;
    memcpy(&six.sin6_addr.s6_addr[12], &four.sin_addr, sizeof(four.sin_addr));
  }
  return six;
}

}  // namespace

std::optional<Lobby::Guest> Lobby::Add(Guest guest, const std::string& address,
                                       absl::Time deadline) {
  guests_[guest] = {address, deadline};
  if (guests_.size() <= limit_) return std::nullopt;
  std::map<std::string, size_t> crowds;
  size_t largest = 0;
  for (const auto& [each, entry] : guests_) {
    largest = std::max(largest, ++crowds[entry.address]);
  }
  for (const auto& [each, entry] : guests_) {
    if (crowds[entry.address] == largest) return each;
  }
  return guest;
}

void Lobby::Remove(Guest guest) { guests_.erase(guest); }

std::vector<Lobby::Guest> Lobby::Expired(absl::Time now) const {
  std::vector<Guest> expired;
  for (const auto& [guest, entry] : guests_) {
    if (entry.deadline <= now) expired.push_back(guest);
  }
  return expired;
}

absl::Time Lobby::NextDeadline() const {
  absl::Time next = absl::InfiniteFuture();
  for (const auto& [guest, entry] : guests_) {
    next = std::min(next, entry.deadline);
  }
  return next;
}

std::string Origin(const void* address, size_t size) {
  const sockaddr_in6 six = Mapped(address, size);
  const auto* const bytes = reinterpret_cast<const char*>(&six.sin6_addr);
  const bool four = IN6_IS_ADDR_V4MAPPED(&six.sin6_addr);
  return std::string(bytes, four ? sizeof(six.sin6_addr) : kNetworkBytes);
}

std::string PeerName(const void* address, size_t size) {
  const sockaddr_in6 six = Mapped(address, size);
  const bool four = IN6_IS_ADDR_V4MAPPED(&six.sin6_addr);
  char text[INET6_ADDRSTRLEN] = "?";
  inet_ntop(four ? AF_INET : AF_INET6, &six.sin6_addr.s6_addr[four ? 12 : 0],
            text, sizeof(text));
  return absl::StrCat(four ? "" : "[", text,
                      four ? ":" : "]:", ntohs(six.sin6_port));
}

}  // namespace dist
