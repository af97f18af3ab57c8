#include "transports/ssh/pump.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "transports/processes.h"
#include "transports/wait.h"

namespace dist {
namespace {

class Pump {
 public:
  // Started with the first link; ended before OpenSSL's own cleanup, whose
  // handler libssh registered earlier.
  static Pump& Get() {
    static Pump* pump = [] {
      auto* made = new Pump;
      instance = made;
      atexit([] { instance->Stop(); });
      return made;
    }();
    return *pump;
  }

  void Post(std::function<void()> job) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      jobs_.push_back(std::move(job));
    }
    Wake();
  }

  // The rest belongs to the thread.
  void AddLink(std::unique_ptr<ChannelLink> link, OwnedFd local,
               PumpTicket* ticket);
  void Part(std::shared_ptr<PumpTicket> ticket);
  void AddWords(OwnedFd fd, std::shared_ptr<StreamWitness> witness);
  void AddChild(pid_t child, std::shared_ptr<StreamWitness> witness);

  std::atomic<int> links_now{0};

 private:
  // What an epoll event is about, in the lowest bits of its data.
  enum Kind : uint64_t { kWake, kSsh, kLocal, kOther };

  struct Watched {
    std::unique_ptr<ChannelLink> link;
    int ssh_fd = -1;
    uint32_t ssh = 0;  // What epoll waits for.
    uint32_t local = 0;
    bool local_watched = false;
    std::shared_ptr<PumpTicket> ticket;  // Of whoever wants to have it.
  };
  // A descriptor that is only read from.
  struct Other {
    OwnedFd fd;
    pid_t child = -1;  // fd is its pidfd; else it has words.
    std::shared_ptr<StreamWitness> witness;
  };

  Pump()
      : epoll_(epoll_create1(EPOLL_CLOEXEC)),
        wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    Control(EPOLL_CTL_ADD, wake_.get(), EPOLLIN, kWake);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { Loop(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  void Stop() {
    if (getpid() != owner_) return;  // A fork that called exit().
    Post([this] { quit_ = true; });
    thread_.join();
  }

  void Wake() {
    const uint64_t one = 1;
    (void)!write(wake_.get(), &one, sizeof(one));
  }

  void Control(int operation, int fd, uint32_t events, uint64_t data) {
    epoll_event event = {};
    event.events = events;
    event.data.u64 = data;
    epoll_ctl(epoll_.get(), operation, fd, &event);
  }

  void Loop();
  void RunJobs();
  int WaitMillis() const;
  void ServeLink(uint64_t id, bool ssh, bool hung_up);
  void HandBack(Watched* watched);
  void Watch(uint64_t id, Watched* watched);
  void Read(uint64_t id);

  static Pump* instance;

  const pid_t owner_ = getpid();
  OwnedFd epoll_;
  OwnedFd wake_;
  std::mutex mutex_;
  std::vector<std::function<void()>> jobs_;  // Guarded by mutex_.
  // The rest belongs to the thread. Ids are never used again, so an event that
  // was fetched before its link ended finds nothing.
  uint64_t next_id_ = 1;
  std::map<uint64_t, Watched> links_;
  std::map<uint64_t, Other> others_;
  bool quit_ = false;
  std::thread thread_;
};

Pump* Pump::instance = nullptr;

void Pump::Loop() {
  epoll_event events[64];
  while (!quit_) {
    const int n = epoll_wait(epoll_.get(), events, 64, WaitMillis());
    for (int i = 0; i < n; ++i) {
      const uint64_t id = events[i].data.u64 >> 2;
      const bool hung_up = (events[i].events & EPOLLHUP) != 0;
      switch (events[i].data.u64 & 3) {
        case kWake: {
          uint64_t count;
          (void)!read(wake_.get(), &count, sizeof(count));
          break;
        }
        case kSsh:
          ServeLink(id, true, false);
          break;
        case kLocal:
          ServeLink(id, false, hung_up);
          break;
        case kOther:
          Read(id);
          break;
      }
    }
    RunJobs();
    std::vector<uint64_t> due;
    for (const auto& [id, watched] : links_) {
      if (watched.link->wake_at() <= absl::Now()) due.push_back(id);
    }
    for (const uint64_t id : due) ServeLink(id, false, false);
  }
  links_.clear();
}

void Pump::RunJobs() {
  std::vector<std::function<void()>> jobs;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    jobs.swap(jobs_);
  }
  for (const auto& job : jobs) job();
}

int Pump::WaitMillis() const {
  absl::Time first = absl::InfiniteFuture();
  for (const auto& [id, watched] : links_) {
    first = std::min(first, watched.link->wake_at());
  }
  if (first == absl::InfiniteFuture()) return -1;
  const absl::Duration left = first - absl::Now() + absl::Microseconds(999);
  return static_cast<int>(
      std::max<int64_t>(0, absl::ToInt64Milliseconds(left)));
}

void Pump::AddLink(std::unique_ptr<ChannelLink> link, OwnedFd local,
                   PumpTicket* ticket) {
  const uint64_t id = next_id_++;
  ticket->id = id;
  Watched& watched = links_[id];
  watched.link = std::move(link);
  watched.link->Begin(std::move(local));
  watched.ssh_fd = watched.link->ssh_fd();
  watched.ssh = watched.link->SshInterest();
  watched.local = watched.link->LocalInterest();
  watched.local_watched = true;
  if (watched.ssh_fd >= 0) {
    Control(EPOLL_CTL_ADD, watched.ssh_fd, watched.ssh, id << 2 | kSsh);
  }
  Control(EPOLL_CTL_ADD, watched.link->local_fd(), watched.local,
          id << 2 | kLocal);
  ++links_now;
  ServeLink(id, false, false);
}

void Pump::ServeLink(uint64_t id, bool ssh, bool hung_up) {
  const auto found = links_.find(id);
  if (found == links_.end()) return;
  found->second.link->Serve(ssh, hung_up);
  if (found->second.link->parted()) HandBack(&found->second);
  if (found->second.link == nullptr || found->second.link->done()) {
    // Closing its descriptors takes them out of the epoll set.
    links_.erase(found);
    --links_now;
    return;
  }
  Watch(id, &found->second);
}

void Pump::Part(std::shared_ptr<PumpTicket> ticket) {
  const auto found = links_.find(ticket->id);
  if (found == links_.end()) return;
  found->second.ticket = std::move(ticket);
  found->second.link->Part();
  ServeLink(found->first, false, false);
}

void Pump::HandBack(Watched* watched) {
  // It stays open, and so would stay in the set.
  if (watched->ssh_fd >= 0) Control(EPOLL_CTL_DEL, watched->ssh_fd, 0, 0);
  const OwnedFd local = watched->link->Untie();
  watched->ticket->Put(std::move(watched->link));
  // Whoever waits sees the end of `local`, now.
}

void Pump::Watch(uint64_t id, Watched* watched) {
  const ChannelLink& link = *watched->link;
  if (link.ssh_fd() >= 0 && link.SshInterest() != watched->ssh) {
    watched->ssh = link.SshInterest();
    Control(EPOLL_CTL_MOD, link.ssh_fd(), watched->ssh, id << 2 | kSsh);
  }
  if (!watched->local_watched) return;
  if (link.hung_up()) {
    // epoll would report it again and again.
    Control(EPOLL_CTL_DEL, link.local_fd(), 0, 0);
    watched->local_watched = false;
  } else if (link.LocalInterest() != watched->local) {
    watched->local = link.LocalInterest();
    Control(EPOLL_CTL_MOD, link.local_fd(), watched->local, id << 2 | kLocal);
  }
}

void Pump::AddWords(OwnedFd fd, std::shared_ptr<StreamWitness> witness) {
  const uint64_t id = next_id_++;
  SetNonBlocking(fd.get());
  Control(EPOLL_CTL_ADD, fd.get(), EPOLLIN, id << 2 | kOther);
  others_[id] = Other{std::move(fd), -1, std::move(witness)};
}

void Pump::AddChild(pid_t child, std::shared_ptr<StreamWitness> witness) {
  OwnedFd fd(static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
  if (fd.get() < 0) return;  // Reaped already, or an old kernel.
  const uint64_t id = next_id_++;
  Control(EPOLL_CTL_ADD, fd.get(), EPOLLIN, id << 2 | kOther);
  others_[id] = Other{std::move(fd), child, std::move(witness)};
}

void Pump::Read(uint64_t id) {
  const auto found = others_.find(id);
  if (found == others_.end()) return;
  Other& other = found->second;
  if (other.child > 0) {
    siginfo_t info = {};
    if (waitid(P_PID, other.child, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
        info.si_pid == other.child) {
      const bool exited = info.si_code == CLD_EXITED;
      other.witness->SetEnd(
          DescribeEnd(exited ? info.si_status << 8 : info.si_status));
    }
    others_.erase(found);
    return;
  }
  char buffer[8 << 10];
  const ssize_t n = read(other.fd.get(), buffer, sizeof(buffer));
  if (n > 0) {
    other.witness->AddWords(absl::string_view(buffer, n));
  } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
    others_.erase(found);
  }
}

// std::function wants what can be copied.
template <class T>
std::shared_ptr<T> Shared(T value) {
  return std::make_shared<T>(std::move(value));
}

}  // namespace

std::shared_ptr<PumpTicket> PumpLink(std::unique_ptr<ChannelLink> link,
                                     OwnedFd local) {
  Pump& pump = Pump::Get();
  auto ticket = std::make_shared<PumpTicket>();
  pump.Post([&pump, link = Shared(std::move(link)),
             local = Shared(std::move(local)), ticket] {
    pump.AddLink(std::move(*link), std::move(*local), ticket.get());
  });
  return ticket;
}

void PartLink(std::shared_ptr<PumpTicket> ticket) {
  Pump& pump = Pump::Get();
  pump.Post([&pump, ticket = std::move(ticket)] { pump.Part(ticket); });
}

void PumpWords(OwnedFd fd, std::shared_ptr<StreamWitness> witness) {
  Pump& pump = Pump::Get();
  pump.Post([&pump, fd = Shared(std::move(fd)), witness = std::move(witness)] {
    pump.AddWords(std::move(*fd), witness);
  });
}

void PumpChildEnd(pid_t child, std::shared_ptr<StreamWitness> witness) {
  Pump& pump = Pump::Get();
  pump.Post([&pump, child, witness = std::move(witness)] {
    pump.AddChild(child, witness);
  });
}

int PumpedLinks() { return Pump::Get().links_now; }

}  // namespace dist
