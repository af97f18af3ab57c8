#include "transports/ssh/logins.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>

#include "transports/wait.h"

namespace dist {
namespace {

struct Queue {
  int pending = 0;
  std::deque<int> waiting;  // eventfds, woken when the turn is theirs.
};

std::mutex mutex;

// Guarded by mutex. Never destroyed: threads may log in until the last moment.
std::map<std::string, Queue>& Queues() {
  static auto* queues = new std::map<std::string, Queue>;
  return *queues;
}

// Hands the turn to the next, or gives it back. Holds mutex.
void PassOn(const std::string& server) {
  Queue& queue = Queues()[server];
  if (queue.waiting.empty()) {
    --queue.pending;
    if (queue.pending == 0) Queues().erase(server);
    return;
  }
  const uint64_t one = 1;
  (void)!write(queue.waiting.front(), &one, sizeof(one));
  queue.waiting.pop_front();
}

}  // namespace

LoginTurn::~LoginTurn() {
  if (server_.empty()) return;
  const std::lock_guard<std::mutex> lock(mutex);
  PassOn(server_);
}

absl::StatusOr<LoginTurn> WaitForLoginTurn(const std::string& server,
                                           const Patience& patience) {
  OwnedFd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  {
    const std::lock_guard<std::mutex> lock(mutex);
    Queue& queue = Queues()[server];
    if (queue.pending < kMostLogins) {
      ++queue.pending;
      return LoginTurn(server);
    }
    queue.waiting.push_back(wake.get());
  }
  const absl::Status status = WaitFor(wake.get(), POLLIN, patience);
  // Also when all is well: whoever woke us must be done with our eventfd.
  const std::lock_guard<std::mutex> lock(mutex);
  if (status.ok()) return LoginTurn(server);
  std::deque<int>& waiting = Queues()[server].waiting;
  const auto found = std::find(waiting.begin(), waiting.end(), wake.get());
  if (found != waiting.end()) {
    waiting.erase(found);
  } else {
    PassOn(server);  // It became ours just now.
  }
  return status;
}

}  // namespace dist
