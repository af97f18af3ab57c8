// One attempt to connect to a host, on a thread of its own.
#ifndef DIST_TRANSPORTS_ATTEMPT_H_
#define DIST_TRANSPORTS_ATTEMPT_H_

#include <functional>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "transports/transport.h"

namespace dist {

class Attempt {
 public:
  using Connect = std::function<absl::StatusOr<Connection>(const Patience&)>;

  // Calls `connect`, which may call `note` (Patience), and then `ended`, all on
  // the new thread.
  Attempt(Connect connect, absl::Time deadline,
          std::function<void(const std::string& line)> note,
          std::function<void()> ended);
  // Cancels, and closes what nobody took.
  ~Attempt();
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  // Has the attempt give up soon, unless it has ended.
  void Cancel();
  // Waits for the end; what came of it is the caller's. Once.
  absl::StatusOr<Connection> Take();

 private:
  int cancel_ = -1;  // An eventfd.
  absl::StatusOr<Connection> made_;
  std::thread thread_;
};

// What a connection's witness adds to the word that its link has ended: ":
// exit status 255: Connection reset by peer"; "" if it knows nothing.
std::string Testimony(const StreamWitness& witness);

}  // namespace dist

#endif  // DIST_TRANSPORTS_ATTEMPT_H_
