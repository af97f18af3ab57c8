#include "transports/tcp.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <thread>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "transports/wait.h"

namespace dist {
namespace {

// Unanswered bytes for so long end a connection.
constexpr int kUserTimeoutMillis = 15000;
// Where nothing is sent, the system asks, so that it finds that out as well.
constexpr int kIdleSeconds = 10;
constexpr int kAskSeconds = 5;

// getaddrinfo cannot be cancelled, so it runs beside us and may outlive us.
struct Lookup {
  std::string host, service;
  addrinfo hints = {};
  OwnedFd done{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  int error = 0;
  int system_error = 0;
  addrinfo* found = nullptr;

  void Run() {
    error = getaddrinfo(host.c_str(), service.c_str(), &hints, &found);
    system_error = errno;
    const uint64_t one = 1;
    (void)!write(done.get(), &one, sizeof(one));
  }
  ~Lookup() {
    if (found != nullptr) freeaddrinfo(found);
  }
};

absl::StatusOr<std::shared_ptr<Lookup>> LookUp(const std::string& host,
                                               int port, int family,
                                               absl::StatusCode unknown,
                                               const Patience& patience) {
  auto lookup = std::make_shared<Lookup>();
  lookup->host = host;
  lookup->service = absl::StrCat(port);
  lookup->hints.ai_family = family;
  lookup->hints.ai_socktype = SOCK_STREAM;
  lookup->hints.ai_flags = AI_NUMERICHOST;
  lookup->Run();
  if (lookup->error == EAI_NONAME) {  // A name: somebody has to be asked.
    uint64_t count;
    (void)!read(lookup->done.get(), &count, sizeof(count));
    lookup->hints.ai_flags = 0;
    std::thread([lookup] { lookup->Run(); }).detach();
    DIST_RETURN_IF_ERROR(WaitFor(lookup->done.get(), POLLIN, patience));
    // What the thread wrote before is ours to read once this has been read.
    (void)!read(lookup->done.get(), &count, sizeof(count));
  }
  if (lookup->error == 0) return lookup;
  return absl::Status(unknown, lookup->error == EAI_SYSTEM
                                   ? strerror(lookup->system_error)
                                   : gai_strerror(lookup->error));
}

// errno of the attempt, 0 if `fd` is connected.
absl::StatusOr<int> ConnectOne(int fd, const addrinfo& to,
                               const Patience& patience) {
  if (connect(fd, to.ai_addr, to.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  DIST_RETURN_IF_ERROR(WaitFor(fd, POLLOUT, patience));
  int error = 0;
  socklen_t size = sizeof(error);
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

absl::Status InStage(const absl::Status& status, absl::string_view stage) {
  return absl::IsDeadlineExceeded(status) ? absl::DeadlineExceededError(stage)
                                          : status;
}

}  // namespace

void TuneTcp(int fd) {
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &kIdleSeconds,
             sizeof(kIdleSeconds));
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &kAskSeconds, sizeof(kAskSeconds));
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &kUserTimeoutMillis,
             sizeof(kUserTimeoutMillis));
}

absl::StatusOr<OwnedFd> DialTcp(const TcpTarget& target,
                                const Patience& patience) {
  const auto found = LookUp(target.host, target.port, target.family,
                            absl::StatusCode::kNotFound, patience);
  if (!found.ok()) return InStage(found.status(), "looking up");
  std::shared_ptr<Lookup> source;
  if (!target.source.empty()) {
    DIST_ASSIGN_OR_RETURN(source,
                          LookUp(target.source, 0, target.family,
                                 absl::StatusCode::kInvalidArgument, patience));
  }
  int error = EHOSTUNREACH;
  for (addrinfo* to = (*found)->found; to != nullptr; to = to->ai_next) {
    OwnedFd fd(
        socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (fd.get() < 0 ||
        (source != nullptr && bind(fd.get(), source->found->ai_addr,
                                   source->found->ai_addrlen) != 0)) {
      error = errno;
      continue;
    }
    TuneTcp(fd.get());
    const auto result = ConnectOne(fd.get(), *to, patience);
    if (!result.ok()) return InStage(result.status(), "connecting to");
    if (*result == 0) return fd;
    error = *result;
  }
  return absl::Status(error == ECONNREFUSED ? absl::StatusCode::kUnavailable
                                            : absl::StatusCode::kInternal,
                      strerror(error));
}

}  // namespace dist
