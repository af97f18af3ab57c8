// Child processes as seen by those who use them; ProcessPump is the real thing.
#ifndef DIST_TRANSPORTS_PROCESSES_H_
#define DIST_TRANSPORTS_PROCESSES_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace dist {

struct ProcessRequest {
  std::vector<std::string> argv;  // argv[0] is looked up along PATH.
  std::vector<std::string> env;   // "NAME=VALUE", all of it.
  std::string cwd;  // Made with its parents when missing; "": ours.
  int nice = 0;
};

struct ProcessEnd {
  // Not OK: the process never ran, and why. kNotFound: the program cannot be
  // executed, another one may; all else concerns the machine or the request.
  absl::Status start;
  int wait_status = 0;  // As of waitpid(2).
  // What it had written to the files that it handed over: a process may send
  // two descriptors of regular files along with its control bytes, where it
  // captures its own output. The end of each, kMaxCaptured bytes at most.
  std::string captured;
};

// What happens to a process. Called on another thread; must not block.
class ProcessObserver {
 public:
  virtual ~ProcessObserver() = default;
  virtual void OnStarted(pid_t pid) {}
  virtual void OnControl(std::string bytes) = 0;
  virtual void OnOutput(std::string bytes) = 0;  // stdout and stderr.
  // The last call. All that the process itself wrote has been delivered.
  virtual void OnEnd(const ProcessEnd& end) = 0;
};

// May be called from any thread. Unknown and ended keys are ignored.
class Processes {
 public:
  using Key = uint64_t;
  // The descriptor number of the control channel in the child.
  static constexpr int kControlFd = 3;
  static constexpr size_t kMaxCaptured = 64 << 10;

  virtual ~Processes() = default;

  // Starts a process in a session of its own. Whatever goes wrong is said
  // through OnEnd.
  virtual Key Start(ProcessRequest request,
                    std::shared_ptr<ProcessObserver> observer) = 0;
  // Writes to the control channel; queued without limit.
  virtual void Write(Key key, std::string bytes) = 0;
  // Sends a signal to the process and its group, as a terminal does.
  virtual void Signal(Key key, int signal) = 0;
  // SIGKILL to the process and its group.
  virtual void Kill(Key key) = 0;
  // Kills everything that descends from this process, for `patience` at most;
  // what is started later fails. Then calls `done` with the number of processes
  // that are still there, after the last OnEnd.
  virtual void KillAll(absl::Duration patience,
                       std::function<void(int left)> done) = 0;
};

// "SIGSEGV", "exit status 3".
std::string DescribeEnd(int wait_status);

}  // namespace dist

#endif  // DIST_TRANSPORTS_PROCESSES_H_
