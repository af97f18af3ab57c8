// The other end of a link, in a test's own thread and one step at a time.
#ifndef DIST_TESTS_SUPPORT_LINK_PEER_H_
#define DIST_TESTS_SUPPORT_LINK_PEER_H_

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "core/wire/codec.h"
#include "core/wire/link_session.h"
#include "tests/support/link_bytes.h"
#include "transports/stream.h"

namespace dist {

class LinkPeer {
 public:
  // Owns `socket`.
  explicit LinkPeer(LinkSocket socket, LinkTimers timers = LinkTimers())
      : fd_(socket.fd),
        secured_(std::move(socket.secured)),
        session_(timers, absl::Now()) {}
  // Of a Connection: it has no more use then.
  template <class C, class = decltype(C::witness)>
  explicit LinkPeer(C connection)
      : LinkPeer(LinkSocket(connection.fd, std::move(connection.secured))) {}
  ~LinkPeer() { Cut(); }
  LinkPeer(const LinkPeer&) = delete;
  LinkPeer& operator=(const LinkPeer&) = delete;

  template <class M>
  void Send(const M& message, Channel channel = Channel::kControl) {
    session_.Send(channel, Encode(message));
    Step(0);
  }
  // Bytes that are none of the protocol's.
  void SendRaw(const std::string& bytes) {
    for (size_t at = 0; at < bytes.size();) {
      const ssize_t n = Write(bytes.data() + at, bytes.size() - at);
      if (n == 0) {
        pollfd wait = {fd_, POLLOUT, 0};
        if (poll(&wait, 1, 10000) > 0) continue;
      }
      if (n <= 0) return;
      at += n;
    }
  }
  void Close() {
    session_.Close();
    Step(0);
  }
  void Cut() {
    // Somebody else may hold the session.
    if (secured_ != nullptr) shutdown(fd_, SHUT_RDWR);
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
    secured_.reset();
  }

  // Serves the link until `holds`; false if it does not in time.
  bool RunUntil(const std::function<bool()>& holds, double seconds = 10) {
    const auto deadline = std::chrono::steady_clock::now() +
                          std::chrono::duration<double>(seconds);
    while (!holds()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      Step(10);
    }
    return true;
  }

  // All that arrived, oldest first; the test may take from it.
  std::deque<LinkMessage> received;
  bool consume = true;  // Give credit for what arrives.
  bool ended() const { return ended_; }
  bool peer_closed() const { return session_.peer_closed(); }

 private:
  // How much was moved, for now; -1: never any more.
  ssize_t Write(const char* data, size_t size) {
    if (secured_ != nullptr) {
      const auto moved = secured_->Write(data, size);
      return moved.ok() ? static_cast<ssize_t>(*moved) : -1;
    }
    const ssize_t n = send(fd_, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : n;
  }
  ssize_t Read(char* data, size_t size) {
    if (secured_ != nullptr) {
      const auto moved = secured_->Read(data, size);
      return moved.ok() ? static_cast<ssize_t>(*moved) : -1;
    }
    const ssize_t n = recv(fd_, data, size, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
    return n == 0 ? -1 : n;
  }

  void Step(int millis) {
    if (fd_ < 0 || ended_) return;
    TakeBytes(&session_, 1 << 16, &out_);
    const bool unsent = secured_ != nullptr && secured_->unsent();
    const bool pending = secured_ != nullptr && secured_->pending() > 0;
    const bool wants_write = !out_.empty() || unsent;
    pollfd wait = {fd_,
                   static_cast<short>(POLLIN | (wants_write ? POLLOUT : 0)), 0};
    poll(&wait, 1, pending ? 0 : millis);
    if (!out_.empty() && (wait.revents & POLLOUT) != 0) {
      const ssize_t n = Write(out_.data(), out_.size());
      if (n > 0) out_.erase(0, n);
    }
    const bool sends = unsent && (wait.revents & POLLOUT) != 0;
    if (pending || sends ||
        (wait.revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
      Receive();
    }
    ended_ = ended_ || !session_.Tick(absl::Now()).ok();
  }

  void Receive() {
    std::string bytes(1 << 16, '\0');
    const ssize_t n = Read(&bytes[0], bytes.size());
    ended_ = n < 0;
    if (n <= 0) return;
    std::vector<LinkMessage> messages;
    ended_ = !session_
                  .Receive(absl::string_view(bytes).substr(0, n), absl::Now(),
                           &messages)
                  .ok();
    for (LinkMessage& message : messages) {
      if (consume) session_.Consume(message.channel, message.cost);
      received.push_back(std::move(message));
    }
  }

  int fd_;
  std::shared_ptr<SecuredLink> secured_;
  LinkSession session_;
  std::string out_;
  bool ended_ = false;
};

}  // namespace dist

#endif  // DIST_TESTS_SUPPORT_LINK_PEER_H_
