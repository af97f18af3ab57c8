#include "transports/process_pump.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <utility>

#include "absl/strings/str_cat.h"
#include "transports/spawn.h"
#include "transports/sweep.h"

namespace dist {
namespace {

using Clock = std::chrono::steady_clock;

// A process that reports test after test would wake us for each of them. What
// follows within this time of a read is read together; the first bytes after a
// pause are read at once.
constexpr std::chrono::milliseconds kGather{5};
constexpr size_t kReadSize = 1 << 16;
// One call of an observer gets no more: whoever writes without end must not
// keep us from all others.
constexpr size_t kMaxControl = 1 << 20;
constexpr size_t kMaxCaptures = 2;  // Of stdout and of stderr.

void SetNonBlocking(int fd) {
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

void CloseFd(int* fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

absl::Status SystemError(const char* call) {
  return absl::ResourceExhaustedError(
      absl::StrCat(call, ": ", strerror(errno)));
}

int Require(const char* call, int result) {
  if (result >= 0) return result;
  perror(call);
  abort();
}

// Reads from a socket, and takes the descriptors that come along.
ssize_t Receive(int fd, char* buffer, size_t size, std::vector<int>* handed) {
  iovec data = {buffer, size};
  alignas(cmsghdr) char ancillary[CMSG_SPACE(kMaxCaptures * sizeof(int))];
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = ancillary;
  message.msg_controllen = sizeof(ancillary);
  const ssize_t n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
  if (n < 0) return n;
  for (const cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, const_cast<cmsghdr*>(header))) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int one = -1;
      memcpy(&one, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
      handed->push_back(one);
    }
  }
  return n;
}

// The end of a regular file; of anything else, which may block, nothing.
std::string EndOfFile(int fd) {
  struct stat facts = {};
  if (fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode)) return "";
  const auto size = static_cast<size_t>(facts.st_size);
  std::string bytes(std::min(size, Processes::kMaxCaptured), '\0');
  const ssize_t n = pread(fd, &bytes[0], bytes.size(), size - bytes.size());
  bytes.resize(std::max<ssize_t>(n, 0));
  return bytes;
}

// Bytes that can be read now; none if `fd` is closed.
size_t Readable(int fd) {
  int bytes = 0;
  return ioctl(fd, FIONREAD, &bytes) == 0 && bytes > 0 ? bytes : 0;
}

}  // namespace

struct ProcessPump::Child {
  pid_t pid = -1;
  int control = -1;
  int output = -1;
  std::vector<int> captures;  // What it handed over; at most kMaxCaptures.
  std::shared_ptr<ProcessObserver> observer;
  std::string unwritten;
  uint32_t watched = EPOLLIN;  // Of control.
  bool deaf = false;           // It has closed its side for reading.
  bool deferred = false;       // Control is readable, and is read at `due`.
  Clock::time_point due;
  Clock::time_point last_read;
};

ProcessPump::ProcessPump()
    : spared_(ChildProcesses()), read_buffer_(kReadSize) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signals_ =
      Require("signalfd", signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  epoll_ = Require("epoll_create", epoll_create1(EPOLL_CLOEXEC));
  wake_ = Require("eventfd", eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  Watch(wake_, EPOLLIN, true);
  Watch(signals_, EPOLLIN, true);
  thread_ = std::thread([this] { Loop(); });
}

ProcessPump::~ProcessPump() {
  KillAll(absl::Seconds(2), [](int) {});
  Post([this] { quit_ = true; });
  thread_.join();
  CloseFd(&epoll_);
  CloseFd(&wake_);
  CloseFd(&signals_);
}

// ---- From other threads ---------------------------------------------------

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
        observer = std::move(observer)] {
    ProcessEnd end;
    end.start = Launch(key, request, observer);
    if (!end.start.ok()) observer->OnEnd(end);
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

void ProcessPump::Kill(Key key) { Signal(key, SIGKILL); }

void ProcessPump::KillAll(absl::Duration patience,
                          std::function<void(int left)> done) {
  Post([this, patience, done = std::move(done)] {
    closed_ = true;
    const int left = KillDescendants(patience, spared_);
    // They have been reaped; nobody else will hear of them.
    while (!children_.empty()) Finish(children_.begin()->first, SIGKILL);
    done(left);
  });
}

// ---- The thread -----------------------------------------------------------

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
        OnEvent(*children_[found->second], fd, events[i].events);
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

absl::Status ProcessPump::Launch(
    Key key, const ProcessRequest& request,
    const std::shared_ptr<ProcessObserver>& observer) {
  if (closed_) return absl::CancelledError("the node is being closed");
  int control[2] = {-1, -1};
  int output[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control) != 0) {
    return SystemError("socketpair");
  }
  if (pipe2(output, O_CLOEXEC) != 0) {
    const absl::Status error = SystemError("pipe");
    close(control[0]);
    close(control[1]);
    return error;
  }
  SpawnRequest spawn;
  spawn.argv = request.argv;
  spawn.env = request.env;
  spawn.cwd = request.cwd;
  spawn.nice = request.nice;
  spawn.fds = {{output[1], 1}, {output[1], 2}, {control[1], kControlFd}};
  spawn.die_with_parent = true;
  const absl::StatusOr<pid_t> pid = Spawn(spawn);
  close(control[1]);
  close(output[1]);
  if (!pid.ok()) {
    close(control[0]);
    close(output[0]);
    return pid.status();
  }
  auto child = std::make_unique<Child>();
  child->pid = *pid;
  child->control = control[0];
  child->output = output[0];
  child->observer = observer;
  for (const int fd : {child->control, child->output}) {
    SetNonBlocking(fd);
    Watch(fd, EPOLLIN, true);
    by_fd_[fd] = key;
  }
  by_pid_[*pid] = key;
  children_[key] = std::move(child);
  observer->OnStarted(*pid);
  return absl::OkStatus();
}

// ---- Descriptors ----------------------------------------------------------

void ProcessPump::Watch(int fd, uint32_t events, bool add) {
  epoll_event event = {};
  event.events = events;
  event.data.fd = fd;
  epoll_ctl(epoll_, add ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event);
}

void ProcessPump::WatchControl(Child& child) {
  const uint32_t read = child.deferred ? 0u : EPOLLIN;
  const uint32_t write = child.unwritten.empty() ? 0u : EPOLLOUT;
  if (child.control < 0 || child.watched == (read | write)) return;
  child.watched = read | write;
  Watch(child.control, child.watched, false);
}

void ProcessPump::Forget(int* fd) {
  if (*fd >= 0) by_fd_.erase(*fd);
  CloseFd(fd);
}

void ProcessPump::OnEvent(Child& child, int fd, uint32_t events) {
  if (fd == child.output) {
    ReadOutput(child, kReadSize);
    return;
  }
  if ((events & EPOLLOUT) != 0) Flush(child);
  // Not to be put off: epoll would report a hang-up again and again.
  if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
    ReadControl(child, kMaxControl);
  } else if ((events & EPOLLIN) != 0) {
    const auto now = Clock::now();
    if (now - child.last_read >= kGather) {
      ReadControl(child, kMaxControl);
    } else {
      child.deferred = true;
      child.due = child.last_read + kGather;
      WatchControl(child);
    }
  }
}

int ProcessPump::WaitMillis() const {
  auto first = Clock::time_point::max();
  for (const auto& [key, child] : children_) {
    if (child->deferred) first = std::min(first, child->due);
  }
  if (first == Clock::time_point::max()) return -1;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      first - Clock::now() + std::chrono::microseconds(999));
  return std::max<int>(0, static_cast<int>(left.count()));
}

void ProcessPump::ReadDeferred() {
  const auto now = Clock::now();
  for (auto& [key, child] : children_) {
    if (!child->deferred || child->due > now) continue;
    child->deferred = false;
    ReadControl(*child, kMaxControl);
    WatchControl(*child);
  }
}

void ProcessPump::ReadControl(Child& child, size_t limit) {
  child.last_read = Clock::now();
  std::string bytes;
  while (child.control >= 0 && bytes.size() < limit) {
    std::vector<int> handed;
    const ssize_t n =
        Receive(child.control, read_buffer_.data(),
                std::min(limit - bytes.size(), read_buffer_.size()), &handed);
    if (n > 0) bytes.append(read_buffer_.data(), n);
    for (int& fd : handed) {
      if (child.captures.size() < kMaxCaptures) {
        child.captures.push_back(fd);
      } else {
        CloseFd(&fd);
      }
    }
    if (n > 0) continue;
    if (n < 0 && errno == EINTR) continue;
    // Closed by the process. It may still run; waitpid tells.
    if (n == 0 || errno != EAGAIN) Forget(&child.control);
    break;
  }
  if (!bytes.empty()) child.observer->OnControl(std::move(bytes));
}

bool ProcessPump::ReadOutput(Child& child, size_t limit) {
  const ssize_t n = read(child.output, read_buffer_.data(),
                         std::min(limit, read_buffer_.size()));
  if (n > 0) {
    child.observer->OnOutput(std::string(read_buffer_.data(), n));
    return true;
  }
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  Forget(&child.output);
  return false;
}

// Reads what the dead process left. What it left running may hold the other
// ends and write without end, so no more than is there now.
void ProcessPump::Drain(Child& child) {
  ReadControl(child, Readable(child.control));
  size_t left = Readable(child.output);
  while (left > 0 && ReadOutput(child, left)) left -= std::min(left, kReadSize);
}

void ProcessPump::Flush(Child& child) {
  size_t done = 0;
  while (child.control >= 0 && !child.deaf && done < child.unwritten.size()) {
    const ssize_t n = send(child.control, child.unwritten.data() + done,
                           child.unwritten.size() - done, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    // It will not read again, though it may still write.
    if (n < 0 && errno != EAGAIN) child.deaf = true;
    if (n < 0) break;
    done += n;
  }
  if (child.control < 0 || child.deaf) done = child.unwritten.size();
  child.unwritten.erase(0, done);
  WatchControl(child);
}

// ---- Ends -----------------------------------------------------------------

void ProcessPump::Reap() {
  while (true) {
    siginfo_t info = {};
    const int options = WEXITED | WNOHANG | WNOWAIT;
    if (waitid(P_ALL, 0, &info, options) != 0 || info.si_pid == 0) return;
    // Others are orphans that we inherited as their subreaper.
    const auto found = by_pid_.find(info.si_pid);
    // The group outlives its leader. While that is a zombie, its number cannot
    // be another's.
    if (found != by_pid_.end()) kill(-info.si_pid, SIGKILL);
    int status = 0;
    waitpid(info.si_pid, &status, 0);
    if (found != by_pid_.end()) Finish(found->second, status);
  }
}

void ProcessPump::Finish(Key key, int wait_status) {
  const auto found = children_.find(key);
  const std::unique_ptr<Child> child = std::move(found->second);
  children_.erase(found);
  by_pid_.erase(child->pid);
  Drain(*child);
  Forget(&child->control);
  Forget(&child->output);
  ProcessEnd end;
  end.wait_status = wait_status;
  for (int& fd : child->captures) {
    end.captured += EndOfFile(fd);
    CloseFd(&fd);
  }
  child->observer->OnEnd(end);
}

}  // namespace dist
