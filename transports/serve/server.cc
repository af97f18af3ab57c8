#include "transports/serve/server.h"

#include <sys/eventfd.h>
#include <sys/prctl.h>

#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "transports/serve/caller.h"
#include "transports/serve/greeting.h"
#include "transports/serve/run.h"

namespace dist {
namespace {

std::string Runs(size_t count) {
  return absl::StrCat(count, count == 1 ? " run" : " runs");
}

}  // namespace

Server::Server(OwnedFd listening, const ServeKey& key, ServeSettings settings)
    : settings_(std::move(settings)),
      door_(std::move(listening), key, settings_.log),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      end_runs_(eventfd(0, EFD_CLOEXEC)) {}

void Server::Run() {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  while (!draining_ || !runs_.empty()) {
    for (Admitted& admitted : door_.Attend(wake_.get())) {
      Receive(std::move(admitted));
    }
    eventfd_t count = 0;
    eventfd_read(wake_.get(), &count);
    JoinEnded();
    if (stops_ > 0) Drain();
  }
}

void Server::JoinEnded() {
  std::vector<uint64_t> ended;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ended.swap(ended_);
  }
  for (const uint64_t run : ended) {
    runs_[run].join();
    runs_.erase(run);
  }
}

void Server::RequestStop() {
  if (stops_.fetch_add(1) > 0) eventfd_write(end_runs_.get(), 1);
  eventfd_write(wake_.get(), 1);
}

void Server::Drain() {
  if (std::exchange(draining_, true)) return;
  door_.Close();
  if (runs_.empty()) return;
  settings_.log(absl::StrCat("waits for ", Runs(runs_.size()),
                             " to end; asked again, it ends them"));
}

void Server::Receive(Admitted admitted) {
  const size_t limit = static_cast<size_t>(settings_.max_runs);
  const ServeRequest& request = admitted.request;
  if (request.version != settings_.version) {
    settings_.log(absl::StrCat("turned away ", admitted.name, ": it is dist ",
                               request.version, ", this is ",
                               settings_.version));
    TurnAway(&admitted.tls,
             {ServeReply::Kind::kOtherVersion, settings_.version});
  } else if (request.kind != ServeRequest::Kind::kNode) {
    settings_.log(absl::StrCat("turned away ", admitted.name,
                               ": it offers itself as a host"));
    TurnAway(&admitted.tls, {ServeReply::Kind::kOtherWay, kServes});
  } else if (draining_ || runs_.size() >= limit) {
    settings_.log(absl::StrCat("turned away ", admitted.name, ": there are ",
                               Runs(runs_.size()), " already"));
    TurnAway(&admitted.tls,
             {ServeReply::Kind::kBusy, absl::StrCat(runs_.size())});
  } else {
    Begin(std::move(admitted));
  }
}

void Server::Begin(Admitted admitted) {
  const uint64_t run = ++last_run_;
  settings_.log(absl::StrCat(admitted.name, ": a run begins"));
  runs_[run] = std::thread([this, run,
                            admitted = std::move(admitted)]() mutable {
    const std::string how = ServeRun(std::move(admitted.tls), settings_.node,
                                     settings_.spared, end_runs_.get());
    settings_.log(absl::StrCat(admitted.name, ": the run has ended: ", how));
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      ended_.push_back(run);
    }
    eventfd_write(wake_.get(), 1);
  });
  if (!settings_.once) return;
  draining_ = true;
  door_.Close();
}

}  // namespace dist
