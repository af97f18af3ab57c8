// The signals that end the program, waited for by a thread instead of
// interrupting whatever runs.
#ifndef DIST_CLI_SIGNAL_WATCH_H_
#define DIST_CLI_SIGNAL_WATCH_H_

#include <signal.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace dist {

class SignalWatch {
 public:
  // Blocks SIGINT, SIGTERM and SIGHUP in this thread and in those made after
  // it, and ignores SIGPIPE.
  SignalWatch();

  // Calls `stop` on a thread for each signal, "interrupted" or the signal's
  // name. The third ends the process at once, with kInterrupted: nodes clean
  // up when they see that we are gone. What came before is told now. The watch
  // must stay.
  void Start(std::function<void(const std::string& why)> stop);
  // Until the next Start, signals are kept for that. `stop` is not running any
  // more.
  void Pause();

  // Ends the process the way the signal would have, if one other than Ctrl-C
  // came.
  void Reraise();

 private:
  void Tell(const std::string& why);

  sigset_t set_;
  std::mutex mutex_;
  std::function<void(const std::string& why)> stop_;  // Guarded by mutex_.
  std::vector<std::string> unheard_;                  // Likewise.
  bool started_ = false;
  std::atomic<int> last_{0};
};

}  // namespace dist

#endif  // DIST_CLI_SIGNAL_WATCH_H_
