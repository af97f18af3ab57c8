// Child processes and their descriptors, on one thread.
//
// The pump starts processes, feeds their control channels, collects what they
// write and how they end, and reports it to observers.
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

#include "transports/processes.h"

namespace dist {

class ProcessPump : public Processes {
 public:
  // Blocks SIGCHLD in the calling thread and so must be made before any other
  // thread is. The calling process becomes a subreaper: what its children
  // leave behind becomes its own child. Children that it already has are not
  // ours (a shell that executed us had them) and are left alone.
  ProcessPump();
  // Kills every process and waits for the thread.
  ~ProcessPump() override;
  ProcessPump(const ProcessPump&) = delete;
  ProcessPump& operator=(const ProcessPump&) = delete;

  Key Start(ProcessRequest request,
            std::shared_ptr<ProcessObserver> observer) override;
  void Write(Key key, std::string bytes) override;
  void Signal(Key key, int signal) override;
  void Kill(Key key) override;
  void KillAll(absl::Duration patience,
               std::function<void(int left)> done) override;

 private:
  struct Child;

  void Post(std::function<void()> job);
  void Loop();
  void RunJobs();
  absl::Status Launch(Key key, const ProcessRequest& request,
                      const std::shared_ptr<ProcessObserver>& observer);
  void OnEvent(Child& child, int fd, uint32_t events);
  void ReadControl(Child& child, size_t limit);
  bool ReadOutput(Child& child, size_t limit);
  void Drain(Child& child);
  void Flush(Child& child);
  void WatchControl(Child& child);
  void Forget(int* fd);
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
  std::vector<pid_t> spared_;  // Children from before.
  std::vector<char> read_buffer_;
  bool closed_ = false;        // KillAll was called.
  bool quit_ = false;
  std::thread thread_;
};

}  // namespace dist

#endif  // DIST_TRANSPORTS_PROCESS_PUMP_H_
