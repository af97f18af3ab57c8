// A server, or one that dials, as `dist serve` is one, in a process of its own:
// the test's program, started once more. Its nodes are "PROGRAM node --served".
#ifndef DIST_TESTS_SUPPORT_SERVE_HOST_H_
#define DIST_TESTS_SUPPORT_SERVE_HOST_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "tests/support/link_peer.h"
#include "transports/transport.h"

namespace dist {

struct ServeHostOptions {
  std::string bind = "127.0.0.1";
  std::string version;  // Empty: ours.
  int max_runs = 64;
  bool once = false;
  int dial = 0;  // A port of this machine: it dials instead of listening.
};

class ServeHost {
 public:
  // Starts it and waits until it listens, unless it dials.
  explicit ServeHost(const ServeHostOptions& options = {});
  ~ServeHost();  // Ends it, and removes its folder.

  // How to connect to it.
  void Describe(HostAddress* host) const;
  HostAddress Address() const;

  int port() const { return port_; }
  pid_t pid() const { return pid_; }
  const std::string& key_file() const { return key_file_; }
  std::string log() const;
  // Of memory, at most so far, in KiB.
  long PeakMemory() const;
  void Signal(int signal) const;
  // Waits; its exit status, -1 if it does not end in time.
  int WaitForEnd(double seconds = 10);

 private:
  const ServeHostOptions options_;
  std::string folder_;
  std::string key_file_;
  int port_ = 0;
  pid_t pid_ = -1;
};

// The pid of the node at the other end, once it says that it is ready; 0 if
// none does. Takes what it says until then.
pid_t NodeOf(LinkPeer* peer);

// For main(): if the program was started as such a server, or as a node, it is
// one, and this does not return.
void RunIfServeHost(int argc, char** argv);

}  // namespace dist

#endif  // DIST_TESTS_SUPPORT_SERVE_HOST_H_
