#include "transports/serve/reception.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status_macros.h"
#include "transports/serve/caller.h"
#include "transports/serve/greeting.h"
#include "transports/wait.h"

namespace dist {
namespace {

using Kind = ServeReply::Kind;

constexpr uint64_t kStop = 0;  // No guest has this number.
constexpr int kEventsAtOnce = 64;

void Watch(int events, int fd, uint32_t what, uint64_t number) {
  epoll_event event = {};
  event.events = what;
  event.data.u64 = number;
  epoll_ctl(events, EPOLL_CTL_ADD, fd, &event);
}

}  // namespace

Reception::Reception(OwnedFd listening, const ServeKey& key,
                     std::string version,
                     std::function<void(const std::string& line)> log)
    : version_(std::move(version)),
      log_([this, log = std::move(log)](const std::string& line) {
        if (!quiet_) log(line);
      }),
      door_(std::move(listening), key, log_),
      events_(epoll_create1(EPOLL_CLOEXEC)),
      stop_(eventfd(0, EFD_CLOEXEC)),
      changed_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE)) {
  Watch(events_.get(), stop_.get(), EPOLLIN, kStop);
  thread_ = std::thread([this] { Run(); });
}

Reception::~Reception() {
  eventfd_write(stop_.get(), 1);
  thread_.join();
}

void Reception::Run() {
  do {
    for (Admitted& admitted : door_.Attend(events_.get())) {
      Receive(std::move(admitted));
    }
  } while (LookAtGuests());
}

void Reception::Receive(Admitted admitted) {
  const ServeRequest& request = admitted.request;
  std::string why;
  ServeReply reply;
  if (request.version != version_) {
    why = absl::StrCat("it is dist ", request.version, ", this is ", version_);
    reply = {Kind::kOtherVersion, version_};
  } else if (request.kind != ServeRequest::Kind::kOffer) {
    why = "it wants a host, and is none";
    reply = {Kind::kOtherWay, kListens};
  } else {
    return Add(std::move(admitted));
  }
  log_(absl::StrCat("turned away ", admitted.name, ": ", why));
  TurnAway(&admitted.tls, reply);
}

void Reception::Add(Admitted admitted) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (waiting_.size() >= kMaxWaiting) {
    TurnAway(&admitted.tls, {Kind::kBusy, absl::StrCat(waiting_.size())});
    return;
  }
  // The socket has had little to carry so far: there is room for a line.
  const std::string wait = Format(ServeReply{Kind::kWait, ""});
  admitted.tls.Write(wait.data(), wait.size()).IgnoreError();
  const Guest guest = ++last_guest_;
  // It has nothing to say for now but that it is gone.
  Watch(events_.get(), admitted.tls.fd(), EPOLLIN | EPOLLRDHUP, guest);
  waiting_.emplace(
      guest, Waiting{{std::move(admitted.tls), std::move(admitted.request.host),
                      std::move(admitted.name), true},
                     std::nullopt});
  eventfd_write(changed_.get(), 1);
}

// False: it is time to end.
bool Reception::LookAtGuests() {
  epoll_event events[kEventsAtOnce];
  const int n = epoll_wait(events_.get(), events, kEventsAtOnce, 0);
  const std::lock_guard<std::mutex> lock(mutex_);
  for (int i = 0; i < n; ++i) {
    if (events[i].data.u64 == kStop) return false;
    if (waiting_.erase(events[i].data.u64) > 0) {
      eventfd_write(changed_.get(), 1);
    }
  }
  return true;
}

std::vector<std::string> Reception::Names() {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [guest, waiting] : waiting_) {
    names.push_back(waiting.offer.host);
  }
  return names;
}

absl::StatusOr<std::vector<std::string>> Reception::Await(
    size_t count, const Patience& patience) {
  std::vector<std::string> told;
  while (true) {
    const std::vector<std::string> names = Names();
    if (patience.note != nullptr && names != told) {
      patience.note(absl::StrCat(
          names.size(), " of ", count, count == 1 ? " host" : " hosts",
          " there", names.empty() ? "" : ": ", absl::StrJoin(names, ", ")));
      told = names;
    }
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (waiting_.size() >= count) {
        for (auto& [guest, waiting] : waiting_) {
          if (places_.size() == count) break;
          waiting.place = places_.size();
          places_.push_back(waiting.offer.host);
        }
        quiet_ = true;
        return places_;
      }
    }
    DIST_RETURN_IF_ERROR(WaitFor(changed_.get(), POLLIN, patience));
    eventfd_t one = 0;
    eventfd_read(changed_.get(), &one);
  }
}

std::optional<Offer> Reception::TryTake(size_t place) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const std::string name = place < places_.size() ? places_[place] : "";
  const auto best = [&](const Waiting& waiting) {
    if (waiting.place) return *waiting.place == place ? 3 : 0;
    return waiting.offer.host == name ? 2 : 1;
  };
  auto chosen = waiting_.end();
  for (auto it = waiting_.begin(); it != waiting_.end(); ++it) {
    if (best(it->second) == 0) continue;
    if (chosen == waiting_.end() || best(it->second) > best(chosen->second)) {
      chosen = it;
    }
  }
  if (chosen == waiting_.end()) return std::nullopt;
  Offer offer = std::move(chosen->second.offer);
  offer.expected = offer.host == name;
  epoll_ctl(events_.get(), EPOLL_CTL_DEL, offer.tls.fd(), nullptr);
  waiting_.erase(chosen);
  return offer;
}

absl::StatusOr<Offer> Reception::Take(size_t place, const Patience& patience) {
  while (true) {
    std::optional<Offer> offer = TryTake(place);
    if (offer) return *std::move(offer);
    const absl::Status status = WaitFor(changed_.get(), POLLIN, patience);
    if (absl::IsDeadlineExceeded(status)) {
      return absl::DeadlineExceededError(
          "it has not come back\nhelp: is dist serve --dial still running "
          "there?");
    }
    if (!status.ok()) return status;
    eventfd_t one = 0;
    eventfd_read(changed_.get(), &one);
  }
}

}  // namespace dist
