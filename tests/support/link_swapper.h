// Somebody who would have a sync write elsewhere.
#ifndef DIST_TESTS_SUPPORT_LINK_SWAPPER_H_
#define DIST_TESTS_SUPPORT_LINK_SWAPPER_H_

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <utility>

namespace dist {

// On a thread of its own, as fast as it can: swaps the folder `victim` for a
// link to `outside`, and back.
class LinkSwapper {
 public:
  LinkSwapper(std::string victim, std::string outside)
      : thread_(
            [this, victim = std::move(victim), outside = std::move(outside)] {
              const std::string link = victim + ".link";
              while (!stop_) {
                if (renameat2(AT_FDCWD, victim.c_str(), AT_FDCWD, link.c_str(),
                              RENAME_EXCHANGE) == 0) {
                  ++swaps_;
                } else {
                  (void)!symlink(outside.c_str(), link.c_str());
                }
              }
            }) {}
  ~LinkSwapper() { Stop(); }
  LinkSwapper(const LinkSwapper&) = delete;
  LinkSwapper& operator=(const LinkSwapper&) = delete;

  int swaps() const { return swaps_; }
  void Stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::atomic<bool> stop_{false};
  std::atomic<int> swaps_{0};
  std::thread thread_;  // Last: it uses the others.
};

}  // namespace dist

#endif  // DIST_TESTS_SUPPORT_LINK_SWAPPER_H_
