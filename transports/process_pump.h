// Child processes and their descriptors, on one thread.
//
// The pump starts processes, feeds their control channels, collects what they
// write and how they end, and reports it to observers. It is the only place
// that forks: everything a child must not inherit (signal masks, descriptors,
// the terminal) is dealt with here.
#ifndef DIST_TRANSPORTS_PROCESS_PUMP_H_
#define DIST_TRANSPORTS_PROCESS_PUMP_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace dist {

struct ProcessRequest {
  std::vector<std::string> argv;  // argv[0] is looked up along PATH.
  std::vector<std::string> env;   // "NAME=VALUE", all of it.
  std::string cwd;                // Made with its parents when missing; "": ours.
  int nice = 0;
};

struct ProcessEnd {
  // Not empty: the process never ran, and why ("No such file or directory").
  std::string start_error;
  int wait_status = 0;  // As of waitpid(2).
};

// What happens to a process. Called on the pump's thread; must not block.
class ProcessObserver {
 public:
  virtual ~ProcessObserver() = default;
  virtual void OnStarted(pid_t pid) {}
  virtual void OnControl(std::string bytes) = 0;
  virtual void OnOutput(std::string bytes) = 0;  // stdout and stderr.
  // The last call. All that the process itself wrote has been delivered.
  virtual void OnEnd(const ProcessEnd& end) = 0;
};

class ProcessPump {
 public:
  using Key = uint64_t;
  // The descriptor number of the control channel in the child.
  static constexpr int kControlFd = 3;

  // Blocks SIGCHLD in the calling thread and so must be made before any other
  // thread is. The calling process becomes a subreaper: what its children
  // leave behind becomes its own child.
  ProcessPump();
  // Kills every process and waits for the thread.
  ~ProcessPump();
  ProcessPump(const ProcessPump&) = delete;
  ProcessPump& operator=(const ProcessPump&) = delete;

  // The rest may be called from any thread. Unknown or ended keys are ignored.

  // Starts a process in a session of its own. Whatever goes wrong is said
  // through OnEnd.
  Key Start(ProcessRequest request, std::shared_ptr<ProcessObserver> observer);
  // Writes to the control channel; queued without limit.
  void Write(Key key, std::string bytes);
  // Sends a signal to the process and its group, as a terminal does.
  void Signal(Key key, int signal);
  // SIGKILL to the process and its group.
  void Kill(Key key);
  // Kills everything that descends from this process and waits until it is
  // gone, or for `patience`. Returns the number of processes still there.
  int KillAll(absl::Duration patience);

 private:
  struct Child;

  void Post(std::function<void()> job);
  void Loop();
  void RunJobs();
  void Launch(Key key, const ProcessRequest& request,
              std::shared_ptr<ProcessObserver> observer);
  void OnReadable(Child& child, int fd);
  void ReadControl(Child& child);
  bool ReadOutput(Child& child);
  void Flush(Child& child);
  void Reap();
  void Finish(Key key, int wait_status);
  void Watch(int fd, uint32_t events, bool add);
  int WaitMillis() const;
  void ReadDeferred();

  int epoll_ = -1;
  int wake_ = -1;     // eventfd: jobs are waiting.
  int signals_ = -1;  // signalfd: SIGCHLD.
  std::mutex mutex_;
  std::vector<std::function<void()>> jobs_;  // Guarded by mutex_.
  Key next_key_ = 1;                         // Guarded by mutex_.
  // The rest belongs to the thread.
  std::map<Key, std::unique_ptr<Child>> children_;
  std::map<int, Key> by_fd_;
  std::map<pid_t, Key> by_pid_;
  bool quit_ = false;
  std::thread thread_;
};

// Kills and reaps the children of the calling process but those in `keep`,
// round after round (a subreaper inherits grandchildren), until none is left or
// `patience` is over. Returns how many are left. REQUIRES: SIGCHLD is blocked.
int KillDescendants(absl::Duration patience, const std::vector<pid_t>& keep);

// "SIGSEGV", "exit status 3".
std::string DescribeEnd(int wait_status);

}  // namespace dist

#endif  // DIST_TRANSPORTS_PROCESS_PUMP_H_
