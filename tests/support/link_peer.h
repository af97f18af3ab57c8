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
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "core/wire/codec.h"
#include "core/wire/link_session.h"

namespace dist {

class LinkPeer {
 public:
  // Owns `fd`.
  explicit LinkPeer(int fd, LinkTimers timers = LinkTimers())
      : fd_(fd), session_(timers, absl::Now()) {}
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
    (void)!send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  void Close() {
    session_.Close();
    Step(0);
  }
  void Cut() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
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
  void Step(int millis) {
    if (fd_ < 0 || ended_) return;
    session_.TakeOutput(1 << 16, &out_);
    const bool wants_write = !out_.empty();
    pollfd wait = {fd_,
                   static_cast<short>(POLLIN | (wants_write ? POLLOUT : 0)), 0};
    poll(&wait, 1, millis);
    if (wants_write && (wait.revents & POLLOUT) != 0) {
      const ssize_t n =
          send(fd_, out_.data(), out_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n > 0) out_.erase(0, n);
    }
    if ((wait.revents & (POLLIN | POLLHUP | POLLERR)) != 0) Receive();
    ended_ = ended_ || !session_.Tick(absl::Now()).ok();
  }

  void Receive() {
    std::string bytes(1 << 16, '\0');
    const ssize_t n = recv(fd_, &bytes[0], bytes.size(), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {
      ended_ = true;
      return;
    }
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
  LinkSession session_;
  std::string out_;
  bool ended_ = false;
};

}  // namespace dist

#endif  // DIST_TESTS_SUPPORT_LINK_PEER_H_
