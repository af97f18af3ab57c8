// Streams: the stdin and stdout of a command that runs on a host.
//
// The layer below a transport: ssh and exec each know how to run a command
// somewhere; bootstrap.h makes a node out of it.
#ifndef DIST_TRANSPORTS_STREAM_H_
#define DIST_TRANSPORTS_STREAM_H_

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "transports/terminal.h"

namespace dist {

// What is heard of a command beside its stdout. Thread-safe.
class StreamWitness {
 public:
  static constexpr size_t kMaxWords = 8 << 10;

  // Adds to what the command wrote to stderr; the end of it is kept.
  void AddWords(absl::string_view bytes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    words_.append(bytes.data(), bytes.size());
    if (words_.size() > kMaxWords) words_.erase(0, words_.size() - kMaxWords);
  }
  // How the command or its connection ended: "exit status 127", "connection
  // reset by peer". The first is kept. No words come after it.
  void SetEnd(std::string how) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (end_.empty()) end_ = std::move(how);
    ended_.notify_all();
  }

  std::string words() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return words_;
  }
  // Empty while it runs.
  std::string end() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return end_;
  }
  // Waits for it, since a stream may end before the word of it is here.
  std::string WaitForEnd(absl::Duration patience) const {
    std::unique_lock<std::mutex> lock(mutex_);
    // Not wait_for: g++ 12's TSan does not know its system call.
    ended_.wait_until(
        lock,
        std::chrono::system_clock::now() + absl::ToChronoMilliseconds(patience),
        [this] { return !end_.empty(); });
    return end_;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable ended_;
  std::string words_;
  std::string end_;
};

// What carries a link's bytes over a socket in another shape: TLS
// (tls/secured.h). One thread at a time, but for the witness.
class SecuredLink {
 public:
  virtual ~SecuredLink() = default;

  // Move some of `size` > 0 bytes; 0: none for now, the socket will tell. A
  // Write that moved nothing is repeated with the same bytes. Errors: how the
  // stream ended, one clause.
  virtual absl::StatusOr<size_t> Read(char* data, size_t size) = 0;
  virtual absl::StatusOr<size_t> Write(const char* data, size_t size) = 0;
  // Bytes that wait to be read though the socket does not tell.
  virtual size_t pending() const = 0;
  // Tells the other side that nothing more comes, if there is room for it.
  virtual void Finish() = 0;

  // Whoever uses it says here how it ended.
  StreamWitness witness;
};

// What a link actor runs over.
struct LinkSocket {
  // A plain socket is one.
  LinkSocket(int socket, std::shared_ptr<SecuredLink> tls = nullptr)
      : fd(socket), secured(std::move(tls)) {}

  int fd;  // A connected stream socket, close-on-exec. Owned.
  // Not null: what is read and written instead, when `fd` says it can be.
  std::shared_ptr<SecuredLink> secured;
};

// Asked when a stream ended before its command said what was expected of it,
// with how it ended: OK if that was the command's doing, else why the command
// never ran. May block.
using StreamExplanation = std::function<absl::Status(const std::string& end)>;

struct Stream {
  int fd = -1;       // A connected stream socket, close-on-exec. Owned.
  pid_t child = -1;  // A local process behind it to wait for, or -1.
  std::shared_ptr<StreamWitness> witness;
  StreamExplanation explain = nullptr;  // May be empty.
};

// Until when, and whether at all, to go on with a connection; and who listens
// meanwhile. While a question is on the terminal the clock stands still, for
// all hosts: wait.h.
struct Patience {
  absl::Time deadline = absl::InfiniteFuture();
  int cancel_fd = -1;  // Becomes readable when the caller has lost interest.
  // Told, on the calling thread, what the user should know though nothing has
  // failed: one line that begins with a host, once a process. May be empty.
  std::function<void(const std::string& line)> note = nullptr;
  // The deadline does not know of what was asked since then.
  absl::Duration asked = TimeOfQuestions();
};

}  // namespace dist

#endif  // DIST_TRANSPORTS_STREAM_H_
