#include "transports/ssh/agent.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"
#include "transports/ssh/effective.h"
#include "transports/wait.h"

namespace dist {
namespace {

constexpr char kRequestIdentities = 11;
constexpr size_t kLongestMessage = 256 << 10;  // As OpenSSH has it.

absl::Status Broken(absl::string_view what) {
  return absl::UnavailableError(absl::StrCat("ssh-agent: ", what));
}

absl::Status WriteAll(int fd, absl::string_view bytes,
                      const Patience& patience) {
  while (!bytes.empty()) {
    const ssize_t n =
        send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) {
      DIST_RETURN_IF_ERROR(WaitFor(fd, POLLOUT, patience));
    } else if (n < 0 && errno != EINTR) {
      return Broken(strerror(errno));
    } else if (n > 0) {
      bytes.remove_prefix(n);
    }
  }
  return absl::OkStatus();
}

absl::Status ReadExactly(int fd, size_t size, const Patience& patience,
                         std::string* bytes) {
  bytes->clear();
  char buffer[4096];
  while (bytes->size() < size) {
    DIST_RETURN_IF_ERROR(WaitFor(fd, POLLIN, patience));
    const ssize_t n =
        recv(fd, buffer, std::min(sizeof(buffer), size - bytes->size()), 0);
    if (n == 0) return Broken("it closed the connection");
    if (n < 0 && errno != EINTR && errno != EAGAIN) {
      return Broken(strerror(errno));
    }
    if (n > 0) bytes->append(buffer, n);
  }
  return absl::OkStatus();
}

// A message without its length.
absl::StatusOr<std::string> ReadMessage(int fd, const Patience& patience) {
  std::string bytes;
  DIST_RETURN_IF_ERROR(ReadExactly(fd, 4, patience, &bytes));
  size_t size = 0;
  for (const char c : bytes) size = size << 8 | static_cast<unsigned char>(c);
  if (size == 0 || size > kLongestMessage) return Broken("not an agent");
  DIST_RETURN_IF_ERROR(ReadExactly(fd, size, patience, &bytes));
  return bytes;
}

std::string WithLength(absl::string_view message) {
  const uint32_t size = static_cast<uint32_t>(message.size());
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(size >> shift));
  }
  return absl::StrCat(out, message);
}

absl::StatusOr<OwnedFd> ConnectAgent(const std::string& path,
                                     const Patience& patience) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    return Broken("the path of its socket is too long");
  }
  memcpy(address.sun_path, path.data(), path.size());
  OwnedFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  while (connect(fd.get(), reinterpret_cast<sockaddr*>(&address),
                 sizeof(address)) != 0) {
    // EAGAIN: the agent has a full queue of connections.
    if (errno != EAGAIN) return Broken(strerror(errno));
    DIST_RETURN_IF_ERROR(WaitAtMost(-1, 0, absl::Milliseconds(20), patience));
  }
  return fd;
}

}  // namespace

std::string AgentPath(const SshSettings& settings) {
  std::string path = settings.identity_agent;
  if (path == "none") return "";
  if (!path.empty() && path[0] == '$' && path.substr(0, 2) != "${") {
    path = absl::StrCat("${", path.substr(1), "}");
  }
  if (!path.empty()) return Expand(settings, path).value_or("");
  const char* variable = getenv("SSH_AUTH_SOCK");
  return variable == nullptr ? "" : variable;
}

absl::StatusOr<std::vector<AgentKey>> ListAgentKeys(const std::string& path,
                                                    const Patience& patience) {
  DIST_ASSIGN_OR_RETURN(const OwnedFd agent, ConnectAgent(path, patience));
  DIST_RETURN_IF_ERROR(WriteAll(
      agent.get(), WithLength(std::string(1, kRequestIdentities)), patience));
  DIST_ASSIGN_OR_RETURN(const std::string answer,
                        ReadMessage(agent.get(), patience));
  return ParseAgentKeys(answer);
}

absl::StatusOr<std::unique_ptr<AgentRelay>> AgentRelay::Start(
    const std::string& path, std::vector<AgentKey> keys,
    const Patience& patience) {
  std::unique_ptr<AgentRelay> relay(new AgentRelay);
  relay->keys_ = std::move(keys);
  DIST_ASSIGN_OR_RETURN(relay->agent_, ConnectAgent(path, patience));
  DIST_RETURN_IF_ERROR(MakeSocketPair(&relay->ours_, &relay->client_));
  relay->stop_ = OwnedFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  relay->either_ = OwnedFd(epoll_create1(EPOLL_CLOEXEC));
  epoll_event event = {};
  event.events = EPOLLIN;
  epoll_ctl(relay->either_.get(), EPOLL_CTL_ADD, relay->stop_.get(), &event);
  if (patience.cancel_fd >= 0) {
    epoll_ctl(relay->either_.get(), EPOLL_CTL_ADD, patience.cancel_fd, &event);
  }
  relay->patience_ = patience;
  relay->patience_.cancel_fd = relay->either_.get();
  relay->thread_ = std::thread([raw = relay.get()] { raw->Serve(); });
  return relay;
}

AgentRelay::~AgentRelay() {
  const uint64_t one = 1;
  if (stop_.get() >= 0) (void)!write(stop_.get(), &one, sizeof(one));
  if (thread_.joinable()) thread_.join();
}

void AgentRelay::Serve() {
  while (ServeOne().ok()) {
  }
  // The client's wait for an answer ends here.
  shutdown(ours_.get(), SHUT_RDWR);
}

absl::Status AgentRelay::ServeOne() {
  DIST_ASSIGN_OR_RETURN(const std::string request,
                        ReadMessage(ours_.get(), patience_));
  if (request[0] == kRequestIdentities) {
    return WriteAll(ours_.get(), FormatAgentKeys(keys_), patience_);
  }
  DIST_RETURN_IF_ERROR(WriteAll(agent_.get(), WithLength(request), patience_));
  DIST_ASSIGN_OR_RETURN(const std::string answer,
                        ReadMessage(agent_.get(), patience_));
  return WriteAll(ours_.get(), WithLength(answer), patience_);
}

}  // namespace dist
