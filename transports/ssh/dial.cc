#include "transports/ssh/dial.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "transports/kept_children.h"
#include "transports/ssh/effective.h"
#include "transports/ssh/wait.h"
#include "transports/ssh/words.h"

namespace dist {
namespace {

constexpr absl::Duration kConnectLimit = absl::Seconds(10);
// Unanswered bytes for so long end a connection.
constexpr int kUserTimeoutMillis = 15000;

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

int Family(const std::string& name) {
  if (name == "inet") return AF_INET;
  if (name == "inet6") return AF_INET6;
  return AF_UNSPEC;
}

absl::StatusOr<std::shared_ptr<Lookup>> LookUp(const SshSettings& settings,
                                               const std::string& host,
                                               bool passive,
                                               const Patience& patience) {
  auto lookup = std::make_shared<Lookup>();
  lookup->host = host;
  lookup->service = passive ? "0" : absl::StrCat(settings.port);
  lookup->hints.ai_family = Family(settings.address_family);
  lookup->hints.ai_socktype = SOCK_STREAM;
  lookup->hints.ai_flags = AI_NUMERICHOST | (passive ? AI_PASSIVE : 0);
  lookup->Run();
  if (lookup->error == EAI_NONAME) {  // A name: somebody has to be asked.
    uint64_t count;
    (void)!read(lookup->done.get(), &count, sizeof(count));
    lookup->hints.ai_flags = 0;
    std::thread([lookup] { lookup->Run(); }).detach();
    DIST_RETURN_IF_ERROR(WaitFor(lookup->done.get(), POLLIN, patience));
  }
  if (lookup->error == 0) return lookup;
  const std::string why = lookup->error == EAI_SYSTEM
                              ? strerror(lookup->system_error)
                              : gai_strerror(lookup->error);
  const std::string name = ForeignWords(host);
  const std::string cause = absl::StrCat("unknown host ", name, ": ", why);
  if (host != settings.alias && !passive) {
    return Failure(absl::StatusCode::kNotFound, cause,
                   absl::StrCat("the ssh configuration gives ", name, " for ",
                                settings.alias));
  }
  return Failure(absl::StatusCode::kNotFound, cause,
                 "check the spelling, or give it a HostName in ~/.ssh/config");
}

void Tune(int fd) {
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &kUserTimeoutMillis,
             sizeof(kUserTimeoutMillis));
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

absl::Status ConnectFailure(const SshSettings& settings, int error) {
  const std::string where = Where(settings);
  if (error == ECONNREFUSED) {
    return Failure(absl::StatusCode::kUnavailable,
                   absl::StrCat("connection refused by ", where),
                   "is sshd running there, and is that its port?");
  }
  return Failure(
      absl::StatusCode::kUnavailable,
      absl::StrCat("cannot connect to ", where, ": ", strerror(error)),
      absl::StrCat("try ", SshCommandFor(settings)));
}

absl::StatusOr<Dialled> DialTcp(const SshSettings& settings,
                                const Patience& caller) {
  const absl::Duration limit = settings.connect_timeout > 0
                                   ? absl::Seconds(settings.connect_timeout)
                                   : kConnectLimit;
  const Patience patience = AtMost(limit, caller);
  const auto timed_out = [&](const absl::Status& status,
                             absl::string_view what) {
    if (!absl::IsDeadlineExceeded(status)) return status;
    return Failure(absl::StatusCode::kDeadlineExceeded,
                   absl::StrCat(what, " ", Where(settings), " timed out"),
                   "is the host up, and does a firewall let ssh through?");
  };
  auto found = LookUp(settings, settings.host, false, patience);
  if (!found.ok()) return timed_out(found.status(), "looking up");
  std::shared_ptr<Lookup> source;
  if (!settings.bind_address.empty()) {
    DIST_ASSIGN_OR_RETURN(
        source, LookUp(settings, settings.bind_address, true, patience));
  }
  int error = EHOSTUNREACH;
  for (addrinfo* to = (*found)->found; to != nullptr; to = to->ai_next) {
    Dialled dialled;
    dialled.fd = OwnedFd(
        socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int fd = dialled.fd.get();
    if (fd < 0 || (source != nullptr && bind(fd, source->found->ai_addr,
                                             source->found->ai_addrlen) != 0)) {
      error = errno;
      continue;
    }
    Tune(fd);
    const auto result = ConnectOne(fd, *to, patience);
    if (!result.ok()) return timed_out(result.status(), "connecting to");
    if (*result == 0) return dialled;
    error = *result;
  }
  return ConnectFailure(settings, error);
}

absl::StatusOr<Dialled> StartProxy(const SshSettings& settings) {
  DIST_ASSIGN_OR_RETURN(const std::string command,
                        Expand(settings, settings.proxy_command));
  Dialled dialled;
  OwnedFd theirs;
  DIST_RETURN_IF_ERROR(MakeSocketPair(&dialled.fd, &theirs));
  OwnedFd words;
  DIST_RETURN_IF_ERROR(MakeSocketPair(&dialled.words, &words));
  SpawnRequest request;
  request.argv = {"/bin/sh", "-c", absl::StrCat("exec ", command)};
  request.env = Environment();
  request.fds = {{theirs.get(), 0}, {theirs.get(), 1}, {words.get(), 2}};
  DIST_ASSIGN_OR_RETURN(dialled.child, SpawnKept(request));
  SetNonBlocking(dialled.words.get());
  return dialled;
}

}  // namespace

absl::StatusOr<Dialled> Dial(const SshSettings& settings,
                             const Patience& patience) {
  DIST_RETURN_IF_ERROR(CheckPatience(patience));
  return settings.proxy_command.empty() ? DialTcp(settings, patience)
                                        : StartProxy(settings);
}

}  // namespace dist
