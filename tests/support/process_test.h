// Helpers for tests that look at real processes.
#ifndef DIST_TESTS_SUPPORT_PROCESS_TEST_H_
#define DIST_TESTS_SUPPORT_PROCESS_TEST_H_

#include <signal.h>
#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <fstream>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "transports/processes.h"

namespace dist {

// Waits until `holds`; false if it does not within `seconds`.
inline bool Eventually(const std::function<bool()>& holds,
                       double seconds = 10) {
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

// A process that runs: a zombie does not.
inline bool IsRunning(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line, '\0');  // Fails, and does not throw, if it is gone.
  const size_t end = line.rfind(')');
  return end != std::string::npos && line[end + 2] != 'Z';
}

// Remembers what happens to one process.
class Watcher : public ProcessObserver {
 public:
  void OnStarted(pid_t pid) override {
    Change([&] { pid_ = pid; });
  }
  void OnControl(std::string bytes) override {
    Change([&] {
      largest_ = std::max(largest_, bytes.size());
      total_ += bytes.size();
      after_end_ = after_end_ || end_.has_value();
      if (control_.size() < kKeep) control_ += bytes;
    });
  }
  void OnOutput(std::string bytes) override {
    Change([&] {
      largest_ = std::max(largest_, bytes.size());
      total_ += bytes.size();
      after_end_ = after_end_ || end_.has_value();
      if (output_.size() < kKeep) output_ += bytes;
    });
  }
  void OnEnd(const ProcessEnd& end) override {
    Change([&] {
      after_end_ = after_end_ || end_.has_value();
      end_ = end;
    });
  }

  // False if the process does not end in time.
  bool WaitForEnd(double seconds = 20) {
    return Wait([this] { return end_.has_value(); }, seconds);
  }
  bool WaitForOutput(const std::string& text, double seconds = 10) {
    return Wait([&] { return output_.find(text) != std::string::npos; },
                seconds);
  }
  bool WaitForControl(const std::string& text, double seconds = 10) {
    return Wait([&] { return control_.find(text) != std::string::npos; },
                seconds);
  }

  std::string output() { return Get(output_); }
  std::string control() { return Get(control_); }
  size_t largest() { return Get(largest_); }
  size_t total() { return Get(total_); }
  pid_t pid() { return Get(pid_); }
  bool after_end() { return Get(after_end_); }
  ProcessEnd end() { return Get(end_).value_or(ProcessEnd()); }

 private:
  static constexpr size_t kKeep = 8 << 20;

  template <class F>
  void Change(F change) {
    const std::lock_guard<std::mutex> lock(mutex_);
    change();
    changed_.notify_all();
  }
  template <class F>
  bool Wait(F holds, double seconds) {
    std::unique_lock<std::mutex> lock(mutex_);
    // Not wait_for: g++ 12's TSan does not know its system call.
    return changed_.wait_until(
        lock,
        std::chrono::system_clock::now() +
            std::chrono::milliseconds(static_cast<int>(seconds * 1000)),
        holds);
  }
  template <class T>
  T Get(const T& value) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return value;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::string control_;
  std::string output_;
  size_t largest_ = 0;  // Of the pieces that came.
  size_t total_ = 0;
  pid_t pid_ = -1;
  bool after_end_ = false;  // Something came after the end.
  std::optional<ProcessEnd> end_;
};

}  // namespace dist

#endif  // DIST_TESTS_SUPPORT_PROCESS_TEST_H_
