// A program in an interpreter's place that says who it is and stays.
#ifndef DIST_TESTS_SUPPORT_WORKER_SCRIPT_H_
#define DIST_TESTS_SUPPORT_WORKER_SCRIPT_H_

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/model/node_messages.h"
#include "tests/support/process_test.h"

namespace dist {

class WorkerScript {
 public:
  // Keeps its files in `folder`, which is emptied.
  explicit WorkerScript(std::string folder) : folder_(std::move(folder)) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    std::ofstream(path()) << "#!/bin/sh\n"
                          << "cd " << folder_ << "\n"
                          << "ls /proc/self/fd > fds\n"
                          << "cat /proc/self/status > status\n"
                          << "setsid sleep 1000 &\n"
                          << "echo $$ $! > pids.new; mv pids.new pids\n"
                          << "sleep 1000\n";
    chmod(path().c_str(), 0755);
  }

  std::string path() const { return folder_ + "/python"; }

  StartWorker Command() const { return CommandFor(path()); }

  static StartWorker CommandFor(const std::string& path) {
    StartWorker start;
    start.worker = WorkerId(1);
    start.setup.framework = "pytest";
    start.setup.python = path;
    return start;
  }

  bool Started() const { return std::filesystem::exists(folder_ + "/pids"); }

  // Itself and a daemon of it.
  std::vector<pid_t> pids() const {
    std::ifstream file(folder_ + "/pids");
    std::vector<pid_t> pids;
    for (pid_t pid; file >> pid;) pids.push_back(pid);
    return pids;
  }

  bool IsGone() const {
    const std::vector<pid_t> all = pids();
    return std::none_of(all.begin(), all.end(), IsRunning);
  }

  std::string Read(const std::string& name) const {
    std::ifstream file(folder_ + "/" + name);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  const std::string folder_;
};

}  // namespace dist

#endif  // DIST_TESTS_SUPPORT_WORKER_SCRIPT_H_
