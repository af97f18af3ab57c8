// This process's stdin and stdout as one socket, for the link of a node.
#ifndef DIST_TRANSPORTS_STDIO_H_
#define DIST_TRANSPORTS_STDIO_H_

#include <future>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace dist {

// A link needs a socket. popen and exec give one; sshd, container tools and
// shells give two pipes: then two threads carry bytes between them and a pair
// of sockets. Afterwards descriptor 0 is /dev/null and 1 is what 2 is, so that
// a stray print cannot get into the link.
class StdioSocket {
 public:
  // Takes stdin and stdout away from this process. Once, from main().
  static absl::StatusOr<StdioSocket> Take();

  // A connected stream socket, close-on-exec. The caller closes it; until
  // then the end of stdin is the end of what can be read from it.
  int fd() const { return fd_; }

  // After fd() has been closed: waits until what was written to it is out.
  // False if the other side has not read it within `patience`.
  bool Drain(absl::Duration patience);

 private:
  int fd_ = -1;
  std::future<void> written_;  // Not valid if there is nothing to carry.
};

}  // namespace dist

#endif  // DIST_TRANSPORTS_STDIO_H_
