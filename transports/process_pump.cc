#include "transports/process_pump.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <utility>

#include "absl/strings/str_cat.h"
#include "transports/spawn.h"

namespace dist {
namespace {

using Clock = std::chrono::steady_clock;

// A process that reports test after test would wake us for each of them. What
// follows within this time of a read is read together; the first bytes after a
// pause are read at once.
constexpr std::chrono::milliseconds kGather{5};
constexpr size_t kReadSize = 1 << 16;
constexpr uint32_t kRead = EPOLLIN;
constexpr uint32_t kWrite = EPOLLOUT;

void SetNonBlocking(int fd) {
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

void CloseFd(int* fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

}  // namespace

struct ProcessPump::Child {
  Key key = 0;
  pid_t pid = -1;
  int control = -1;
  int output = -1;
  std::shared_ptr<ProcessObserver> observer;
  std::string unwritten;
  bool watching_writable = false;
  bool deferred = false;  // Control is readable, and is read at `due`.
  Clock::time_point due;
  Clock::time_point last_read;
};

ProcessPump::ProcessPump() {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signals_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  Watch(wake_, EPOLLIN, true);
  Watch(signals_, EPOLLIN, true);
  thread_ = std::thread([this] { Loop(); });
}

ProcessPump::~ProcessPump() {
  KillAll(absl::Seconds(2));
  Post([this] { quit_ = true; });
  thread_.join();
  CloseFd(&epoll_);
  CloseFd(&wake_);
  CloseFd(&signals_);
}

void ProcessPump::Watch(int fd, uint32_t events, bool add) {
  epoll_event event = {};
  event.events = events;
  event.data.fd = fd;
  epoll_ctl(epoll_, add ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event);
}

void ProcessPump::Post(std::function<void()> job) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  const uint64_t one = 1;
  (void)!write(wake_, &one, sizeof(one));
}

ProcessPump::Key ProcessPump::Start(ProcessRequest request,
                                    std::shared_ptr<ProcessObserver> observer) {
  Key key;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    key = next_key_++;
  }
  Post([this, key, request = std::move(request),
        observer = std::move(observer)]() mutable {
    Launch(key, request, std::move(observer));
  });
  return key;
}

void ProcessPump::Write(Key key, std::string bytes) {
  Post([this, key, bytes = std::move(bytes)] {
    const auto found = children_.find(key);
    if (found == children_.end()) return;
    found->second->unwritten.append(bytes);
    Flush(*found->second);
  });
}

void ProcessPump::Signal(Key key, int signal) {
  Post([this, key, signal] {
    const auto found = children_.find(key);
    if (found != children_.end()) kill(-found->second->pid, signal);
  });
}

void ProcessPump::Kill(Key key) {
  Post([this, key] {
    const auto found = children_.find(key);
    if (found == children_.end()) return;
    kill(-found->second->pid, SIGKILL);
    kill(found->second->pid, SIGKILL);
  });
}

int ProcessPump::KillAll(absl::Duration patience) {
  std::promise<int> left;
  Post([this, patience, &left] {
    for (auto& [key, child] : children_) kill(-child->pid, SIGKILL);
    left.set_value(KillDescendants(patience, {}));
    // KillDescendants has reaped them; nobody else will hear of them.
    while (!children_.empty()) Finish(children_.begin()->first, SIGKILL);
  });
  return left.get_future().get();
}

void ProcessPump::Launch(Key key, const ProcessRequest& request,
                         std::shared_ptr<ProcessObserver> observer) {
  int control[2] = {-1, -1};
  int output[2] = {-1, -1};
  ProcessEnd end;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control) != 0 ||
      pipe2(output, O_CLOEXEC) != 0) {
    end.start_error = strerror(errno);
  } else {
    SpawnRequest spawn;
    spawn.argv = request.argv;
    spawn.env = request.env;
    spawn.cwd = request.cwd;
    spawn.nice = request.nice;
    spawn.fds = {{output[1], 1}, {output[1], 2}, {control[1], kControlFd}};
    spawn.die_with_parent = true;
    absl::StatusOr<pid_t> pid = Spawn(spawn);
    if (pid.ok()) {
      auto child = std::make_unique<Child>();
      child->key = key;
      child->pid = *pid;
      child->control = std::exchange(control[0], -1);
      child->output = std::exchange(output[0], -1);
      child->observer = observer;
      for (const int fd : {child->control, child->output}) {
        SetNonBlocking(fd);
        Watch(fd, EPOLLIN, true);
        by_fd_[fd] = key;
      }
      by_pid_[*pid] = key;
      children_[key] = std::move(child);
      observer->OnStarted(*pid);
    } else {
      end.start_error = std::string(pid.status().message());
    }
  }
  for (int* fd : {&control[0], &control[1], &output[0], &output[1]}) CloseFd(fd);
  if (!end.start_error.empty()) observer->OnEnd(end);
}

void ProcessPump::Loop() {
  epoll_event events[64];
  while (!quit_) {
    const int n = epoll_wait(epoll_, events, 64, WaitMillis());
    for (int i = 0; i < n; ++i) {
      const int fd = events[i].data.fd;
      if (fd == wake_) {
        uint64_t count;
        (void)!read(wake_, &count, sizeof(count));
      } else if (fd == signals_) {
        signalfd_siginfo info;
        while (read(signals_, &info, sizeof(info)) > 0) {
        }
        Reap();
      } else if (const auto found = by_fd_.find(fd); found != by_fd_.end()) {
        Child& child = *children_[found->second];
        if ((events[i].events & EPOLLOUT) != 0) Flush(child);
        if ((events[i].events & ~EPOLLOUT) != 0) OnReadable(child, fd);
      }
    }
    RunJobs();
    ReadDeferred();
  }
}

void ProcessPump::RunJobs() {
  std::vector<std::function<void()>> jobs;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    jobs.swap(jobs_);
  }
  for (const auto& job : jobs) job();
}

int ProcessPump::WaitMillis() const {
  int wait = -1;
  const auto now = Clock::now();
  for (const auto& [key, child] : children_) {
    if (!child->deferred) continue;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        child->due - now + std::chrono::microseconds(999));
    const int millis = std::max<int>(0, static_cast<int>(left.count()));
    wait = wait < 0 ? millis : std::min(wait, millis);
  }
  return wait;
}

void ProcessPump::ReadDeferred() {
  const auto now = Clock::now();
  for (auto& [key, child] : children_) {
    if (!child->deferred || child->due > now) continue;
    child->deferred = false;
    ReadControl(*child);
    if (child->control >= 0) {
      Watch(child->control, kRead | (child->watching_writable ? kWrite : 0),
            false);
    }
  }
}

void ProcessPump::OnReadable(Child& child, int fd) {
  if (fd == child.output) {
    ReadOutput(child);
    return;
  }
  const auto now = Clock::now();
  if (now - child.last_read < kGather) {
    child.deferred = true;
    child.due = child.last_read + kGather;
    Watch(fd, child.watching_writable ? kWrite : 0, false);
    return;
  }
  ReadControl(child);
}

void ProcessPump::ReadControl(Child& child) {
  child.last_read = Clock::now();
  std::string bytes;
  while (child.control >= 0) {
    const size_t before = bytes.size();
    bytes.resize(before + kReadSize);
    const ssize_t n = read(child.control, &bytes[before], kReadSize);
    bytes.resize(before + (n > 0 ? n : 0));
    if (n > 0) continue;
    if (n < 0 && errno == EINTR) continue;
    if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) {
      // Closed by the process. It may still run; waitpid tells.
      by_fd_.erase(child.control);
      CloseFd(&child.control);
    }
    break;
  }
  if (!bytes.empty()) child.observer->OnControl(std::move(bytes));
}

bool ProcessPump::ReadOutput(Child& child) {
  std::string bytes(kReadSize, '\0');
  const ssize_t n = read(child.output, &bytes[0], bytes.size());
  if (n > 0) {
    bytes.resize(n);
    child.observer->OnOutput(std::move(bytes));
    return true;
  }
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  by_fd_.erase(child.output);
  CloseFd(&child.output);
  return false;
}

void ProcessPump::Flush(Child& child) {
  size_t done = 0;
  while (child.control >= 0 && done < child.unwritten.size()) {
    const ssize_t n = send(child.control, child.unwritten.data() + done,
                           child.unwritten.size() - done, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) break;
    done += n;
  }
  child.unwritten.erase(0, done);
  const bool want = child.control >= 0 && !child.unwritten.empty();
  if (want == child.watching_writable || child.control < 0) return;
  child.watching_writable = want;
  Watch(child.control, (child.deferred ? 0 : kRead) | (want ? kWrite : 0),
        false);
}

void ProcessPump::Reap() {
  int status = 0;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    // Others are orphans that we inherited as their subreaper.
    const auto found = by_pid_.find(pid);
    if (found != by_pid_.end()) Finish(found->second, status);
  }
}

void ProcessPump::Finish(Key key, int wait_status) {
  const auto found = children_.find(key);
  const std::unique_ptr<Child> child = std::move(found->second);
  children_.erase(found);
  by_pid_.erase(child->pid);
  // Children of the test in its group; the group outlives its leader.
  kill(-child->pid, SIGKILL);
  ReadControl(*child);
  while (child->output >= 0 && ReadOutput(*child)) {
  }
  for (int* fd : {&child->control, &child->output}) {
    if (*fd >= 0) by_fd_.erase(*fd);
    CloseFd(fd);
  }
  ProcessEnd end;
  end.wait_status = wait_status;
  child->observer->OnEnd(end);
}

namespace {

// Living children of this process, from /proc.
std::vector<pid_t> Children() {
  std::vector<pid_t> children;
  DIR* proc = opendir("/proc");
  if (proc == nullptr) return children;
  while (const dirent* entry = readdir(proc)) {
    const pid_t pid = atoi(entry->d_name);
    if (pid <= 0) continue;
    FILE* stat = fopen(absl::StrCat("/proc/", pid, "/stat").c_str(), "re");
    if (stat == nullptr) continue;
    char line[512] = {};
    const size_t n = fread(line, 1, sizeof(line) - 1, stat);
    fclose(stat);
    // The name may contain anything; it ends at the last parenthesis.
    const char* rest = static_cast<const char*>(memrchr(line, ')', n));
    char state = 0;
    int parent = 0;
    if (rest != nullptr && sscanf(rest + 1, " %c %d", &state, &parent) == 2 &&
        parent == getpid()) {
      children.push_back(pid);
    }
  }
  closedir(proc);
  return children;
}

}  // namespace

int KillDescendants(absl::Duration patience, const std::vector<pid_t>& keep) {
  const auto deadline = Clock::now() + absl::ToChronoMilliseconds(patience);
  while (true) {
    int left = 0;
    for (const pid_t pid : Children()) {
      if (std::find(keep.begin(), keep.end(), pid) != keep.end()) continue;
      kill(pid, SIGKILL);
      if (waitpid(pid, nullptr, WNOHANG) == 0) ++left;
    }
    // Even with none left in this round, the last one may have had children.
    if (left == 0 && Children().size() <= keep.size()) return 0;
    if (Clock::now() >= deadline) return left;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    const timespec millisecond = {0, 1000000};
    sigtimedwait(&set, nullptr, &millisecond);
  }
}

std::string DescribeEnd(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    const char* name = sigabbrev_np(WTERMSIG(wait_status));
    return name != nullptr ? absl::StrCat("SIG", name)
                           : absl::StrCat("signal ", WTERMSIG(wait_status));
  }
  return absl::StrCat("exit status ", WEXITSTATUS(wait_status));
}

}  // namespace dist
