// The signals that end the program, waited for by a thread instead of
// interrupting whatever runs.
#ifndef DIST_CLI_SIGNAL_WATCH_H_
#define DIST_CLI_SIGNAL_WATCH_H_

#include <signal.h>

#include <atomic>
#include <functional>
#include <string>

namespace dist {

class SignalWatch {
 public:
  // Blocks SIGINT, SIGTERM and SIGHUP in this thread and in those made after
  // it, and ignores SIGPIPE.
  SignalWatch();

  // Calls `stop` on a thread for each signal, "interrupted" or the signal's
  // name. The third ends the process at once, with kInterrupted: nodes clean
  // up when they see that we are gone. Once; the watch must stay.
  void Start(std::function<void(const std::string& why)> stop);

  // Ends the process the way the signal would have, if one other than Ctrl-C
  // came.
  void Reraise();

 private:
  sigset_t set_;
  std::atomic<int> last_{0};
};

}  // namespace dist

#endif  // DIST_CLI_SIGNAL_WATCH_H_
