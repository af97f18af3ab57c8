#include "cli/signal_watch.h"

#include <string.h>
#include <unistd.h>

#include <thread>
#include <utility>

#include "core/model/exit_status.h"

namespace dist {

SignalWatch::SignalWatch() {
  sigemptyset(&set_);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action;
    sigaction(signal, nullptr, &action);
    // nohup means: go on.
    if (signal == SIGHUP && action.sa_handler == SIG_IGN) continue;
    sigaddset(&set_, signal);
  }
  pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

void SignalWatch::Start(std::function<void(const std::string& why)> stop) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = std::move(stop);
    for (const std::string& why : std::exchange(unheard_, {})) stop_(why);
  }
  if (std::exchange(started_, true)) return;
  std::thread([this] {
    for (int count = 1;; ++count) {
      int signal = 0;
      if (sigwait(&set_, &signal) != 0) continue;
      if (signal != SIGINT) last_ = signal;
      if (count >= 3) _exit(static_cast<int>(ExitStatus::kInterrupted));
      Tell(signal == SIGINT ? "interrupted" : strsignal(signal));
    }
  }).detach();
}

void SignalWatch::Pause() {
  const std::lock_guard<std::mutex> lock(mutex_);
  stop_ = nullptr;
}

void SignalWatch::Tell(const std::string& why) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (stop_ != nullptr) {
    stop_(why);
  } else {
    unheard_.push_back(why);
  }
}

void SignalWatch::Reraise() {
  const int signal_number = last_;
  if (signal_number == 0) return;
  signal(signal_number, SIG_DFL);
  pthread_sigmask(SIG_UNBLOCK, &set_, nullptr);
  raise(signal_number);
}

}  // namespace dist
