#include "transports/tls/pump.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace dist {
namespace {

using Want = TlsSession::Want;

constexpr size_t kBuffer = 64 << 10;
// What is left when the connection has ended is read soon, or by nobody.
constexpr absl::Duration kLastBytes = absl::Seconds(5);
// Under load the loop seldom waits; so often it looks for `stop` all the same.
constexpr int kRoundsPerLook = 64;

// Bytes on their way in one direction: they are taken in when there are none.
class Cargo {
 public:
  explicit Cargo(const std::string& first) : space_(kBuffer) {
    std::copy(first.begin(), first.end(), space_.begin());
    size_ = first.size();
  }

  bool empty() const { return at_ == size_; }
  char* space() { return space_.data(); }
  size_t capacity() const { return space_.size(); }
  void Loaded(size_t n) {
    at_ = 0;
    size_ = n;
  }
  const char* data() const { return space_.data() + at_; }
  size_t size() const { return size_ - at_; }
  void Unloaded(size_t n) { at_ += n; }
  void Drop() { at_ = size_; }

 private:
  std::vector<char> space_;
  size_t at_ = 0;
  size_t size_ = 0;
};

class Pump {
 public:
  explicit Pump(const PumpEnds& ends)
      : tls_(*ends.tls),
        local_(ends.local),
        stop_(ends.stop),
        outward_(ends.to_peer),
        inward_(ends.to_local) {}

  std::string Run() {
    int rounds = 0;
    while (!Over()) {
      moved_ = false;
      tls_reads_ = tls_writes_ = false;
      ReadLocal();
      WriteTls();
      ReadTls();
      WriteLocal();
      if (moved_ && ++rounds % kRoundsPerLook != 0) continue;
      if (!Wait()) break;
    }
    if (!tls_ended_) tls_.Finish();
    return how_;
  }

 private:
  bool Over() const {
    return tls_ended_ ? inward_.empty() : local_ended_ && outward_.empty();
  }

  void ReadLocal() {
    if (local_ended_ || !outward_.empty()) return;
    const ssize_t n =
        recv(local_, outward_.space(), outward_.capacity(), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {
      local_ended_ = true;
    } else {
      outward_.Loaded(n);
    }
    moved_ = true;
  }

  void WriteTls() {
    if (outward_.empty() || tls_ended_) return;
    const auto moved = tls_.Write(outward_.data(), outward_.size());
    if (!Note(moved)) return;
    outward_.Unloaded(moved->bytes);
  }

  void ReadTls() {
    if (!inward_.empty() || tls_ended_) return;
    const auto moved = tls_.Read(inward_.space(), inward_.capacity());
    if (!Note(moved)) return;
    inward_.Loaded(moved->bytes);
    if (moved->ended) EndTls("closed by the other side");
  }

  void WriteLocal() {
    if (inward_.empty()) return;
    const ssize_t n = send(local_, inward_.data(), inward_.size(),
                           MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n < 0) {  // Nobody reads it any more. What it wrote may still be read.
      inward_.Drop();
      reader_gone_ = true;
    } else {
      inward_.Unloaded(n);
    }
    moved_ = true;
  }

  // False: TLS has ended.
  bool Note(const absl::StatusOr<TlsSession::Moved>& moved) {
    if (!moved.ok()) {
      EndTls(std::string(moved.status().message()));
      return false;
    }
    moved_ = moved_ || moved->bytes > 0;
    tls_reads_ = tls_reads_ || moved->want == Want::kRead;
    tls_writes_ = tls_writes_ || moved->want == Want::kWrite;
    return true;
  }

  void EndTls(std::string how) {
    tls_ended_ = moved_ = true;
    how_ = std::move(how);
    limit_ = absl::Now() + kLastBytes;
    if (reader_gone_) inward_.Drop();
  }

  // False: it is time to end.
  bool Wait() {
    const short tls_events = static_cast<short>((tls_reads_ ? POLLIN : 0) |
                                                (tls_writes_ ? POLLOUT : 0));
    const bool reads = !local_ended_ && outward_.empty();
    const short local_events = static_cast<short>(
        (reads ? POLLIN : 0) | (inward_.empty() ? 0 : POLLOUT));
    pollfd fds[] = {{tls_events == 0 ? -1 : tls_.fd(), tls_events, 0},
                    {local_events == 0 ? -1 : local_, local_events, 0},
                    {stop_, POLLIN, 0}};
    int millis = moved_ ? 0 : -1;
    if (tls_ended_) {
      millis =
          static_cast<int>(absl::ToInt64Milliseconds(limit_ - absl::Now()));
      if (millis <= 0) return false;
      fds[0].fd = -1;
    }
    poll(fds, 3, millis);
    if (fds[2].revents != 0) how_ = "stopped";
    return fds[2].revents == 0;
  }

  TlsSession& tls_;
  const int local_;
  const int stop_;
  Cargo outward_;
  Cargo inward_;
  bool local_ended_ = false;
  bool reader_gone_ = false;
  bool tls_ended_ = false;
  bool moved_ = false;       // In this round: there may be more.
  bool tls_reads_ = false;   // What TLS waits for.
  bool tls_writes_ = false;  // Likewise.
  absl::Time limit_;         // Once TLS has ended.
  std::string how_;
};

}  // namespace

std::string PumpTls(PumpEnds ends) { return Pump(ends).Run(); }

}  // namespace dist
