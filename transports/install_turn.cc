#include "transports/install_turn.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "core/base/status_macros.h"
#include "transports/wait.h"

namespace dist {
namespace {

struct Place {
  // Stays: a host may ask that looked before it was.
  bool installed = false;
  std::vector<int> wishes;  // Their eventfds; the first has its turn.
};

std::mutex mutex;
// Guarded by `mutex`.
std::map<std::string, Place>& Places() {
  static auto* places = new std::map<std::string, Place>;
  return *places;
}

}  // namespace

InstallTurn::InstallTurn(std::string place)
    : place_(std::move(place)), told_(eventfd(0, EFD_CLOEXEC)) {
  const std::lock_guard<std::mutex> lock(mutex);
  Place& there = Places()[place_];
  there.wishes.push_back(told_.get());
  if (there.installed || there.wishes.size() == 1) {
    eventfd_write(told_.get(), 1);
  }
}

InstallTurn::~InstallTurn() {
  const std::lock_guard<std::mutex> lock(mutex);
  std::vector<int>& wishes = Places()[place_].wishes;
  wishes.erase(std::remove(wishes.begin(), wishes.end(), told_.get()),
               wishes.end());
  if (!wishes.empty()) eventfd_write(wishes.front(), 1);
}

absl::StatusOr<bool> InstallTurn::Await(absl::Duration limit,
                                        const Patience& patience) {
  Patience endless = patience;
  endless.deadline = absl::InfiniteFuture();
  DIST_RETURN_IF_ERROR(WaitAtMost(told_.get(), POLLIN, limit, endless));
  const std::lock_guard<std::mutex> lock(mutex);
  return !Places()[place_].installed;
}

void InstallTurn::Fulfill() {
  const std::lock_guard<std::mutex> lock(mutex);
  Place& there = Places()[place_];
  there.installed = true;
  for (const int wish : there.wishes) eventfd_write(wish, 1);
}

}  // namespace dist
