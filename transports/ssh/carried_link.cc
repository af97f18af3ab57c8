#include "transports/ssh/carried_link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "core/base/status_macros.h"
#include "transports/wait.h"

namespace dist {
namespace {

constexpr absl::Duration kPartLimit = absl::Seconds(30);
// A node says far less before it is spoken to.
constexpr size_t kMostAhead = 1 << 20;

}  // namespace

CarriedLink::CarriedLink(std::unique_ptr<ChannelLink> link, std::string ahead)
    : link_(std::move(link)), ahead_(std::move(ahead)) {}

CarriedLink::~CarriedLink() { Finish(); }

absl::StatusOr<size_t> CarriedLink::Read(char* data, size_t size) {
  blocked_ = false;
  if (!ahead_.empty()) {
    size = std::min(size, ahead_.size());
    memcpy(data, ahead_.data(), size);
    ahead_.erase(0, size);
    return size;
  }
  if (link_ == nullptr) return absl::UnavailableError("closed");
  return link_->Read(data, size);
}

absl::StatusOr<size_t> CarriedLink::Write(const char* data, size_t size) {
  if (link_ == nullptr) return absl::UnavailableError("closed");
  DIST_ASSIGN_OR_RETURN(const size_t moved, link_->Write(data, size));
  // It waits for the server: a larger window, or the end of an exchange of
  // keys.
  blocked_ = moved == 0 && !link_->unsent();
  return moved;
}

size_t CarriedLink::pending() const {
  return ahead_.size() + (link_ != nullptr && link_->unread() ? 1 : 0);
}

bool CarriedLink::unsent() const { return link_ != nullptr && link_->unsent(); }

void CarriedLink::Finish() {
  if (link_ == nullptr) return;
  OwnedFd local, nobody;
  if (!MakeSocketPair(&local, &nobody).ok()) {
    link_.reset();
    return;
  }
  PumpLink(std::move(link_), std::move(local));
}

absl::StatusOr<LinkSocket> CarryLink(OwnedFd fd,
                                     std::shared_ptr<PumpTicket> ticket,
                                     const Patience& caller) {
  Patience
      patience;  // The caller's time may be over: it is for the first word.
  patience.cancel_fd = caller.cancel_fd;
  patience.deadline = absl::Now() + kPartLimit;
  PartLink(ticket);
  std::string ahead;
  while (true) {
    DIST_RETURN_IF_ERROR(WaitFor(fd.get(), POLLIN, patience));
    char buffer[16 << 10];
    const ssize_t n = recv(fd.get(), buffer, sizeof(buffer), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (n <= 0) break;
    ahead.append(buffer, n);
    if (ahead.size() > kMostAhead) {
      return absl::ResourceExhaustedError(
          "the node talks before it is spoken to\nhelp: what answers there?");
    }
  }
  std::unique_ptr<ChannelLink> link = ticket->Take();
  int socket = fd.Release();
  if (link != nullptr) {
    close(socket);
    // libssh closes its own.
    socket = fcntl(link->ssh_fd(), F_DUPFD_CLOEXEC, 3);
    if (socket < 0) return absl::ResourceExhaustedError("too many open files");
  }
  return LinkSocket(
      socket, std::make_shared<CarriedLink>(std::move(link), std::move(ahead)));
}

}  // namespace dist
