// Processes that do nothing but remember what they were told.
#ifndef DIST_TESTS_SUPPORT_FAKE_PROCESSES_H_
#define DIST_TESTS_SUPPORT_FAKE_PROCESSES_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "transports/processes.h"

namespace dist {

class FakeProcesses : public Processes {
 public:
  struct Process {
    ProcessRequest request;
    std::shared_ptr<ProcessObserver> observer;  // Null once it has ended.
    std::string written;
    std::vector<int> signals;  // Those that reached it alive.
  };

  Key Start(ProcessRequest request,
            std::shared_ptr<ProcessObserver> observer) override {
    processes.push_back({std::move(request), std::move(observer), "", {}});
    return processes.size();
  }
  void Write(Key key, std::string bytes) override {
    if (Process* p = Alive(key)) p->written += bytes;
  }
  void Signal(Key key, int signal) override {
    if (Process* p = Alive(key)) p->signals.push_back(signal);
  }
  void Kill(Key key) override { Signal(key, kKill); }
  void KillAll(absl::Duration, std::function<void(int)> done) override {
    kill_all.push_back(std::move(done));
  }

  void Says(size_t index, std::string bytes) {
    processes[index].observer->OnControl(std::move(bytes));
  }
  void Writes(size_t index, std::string bytes) {
    processes[index].observer->OnOutput(std::move(bytes));
  }
  void Ends(size_t index, int wait_status, std::string captured = "") {
    ProcessEnd end;
    end.wait_status = wait_status;
    end.captured = std::move(captured);
    std::exchange(processes[index].observer, nullptr)->OnEnd(end);
  }
  void NeverRan(size_t index, absl::Status why) {
    std::exchange(processes[index].observer, nullptr)
        ->OnEnd(ProcessEnd{std::move(why), 0, ""});
  }

  static constexpr int kKill = 9;
  std::vector<Process> processes;
  std::vector<std::function<void(int)>> kill_all;  // To be called by the test.

 private:
  Process* Alive(Key key) {
    if (key == 0 || key > processes.size()) return nullptr;
    Process& process = processes[key - 1];
    return process.observer == nullptr ? nullptr : &process;
  }
};

}  // namespace dist

#endif  // DIST_TESTS_SUPPORT_FAKE_PROCESSES_H_
