#include "actors/replica.h"

#include <utility>
#include <variant>

#include "absl/time/clock.h"
#include "actors/actor_class.h"
#include "sync/target.h"

namespace dist {
namespace {

class ReplicaActor {
 public:
  using Handle = ReplicaHandle;
  static inline const char* name = "dist.replica";

  ReplicaActor(Handle::pointer self, EventLinkHandle link, uint32_t tree,
               std::string cache_home, std::shared_ptr<std::atomic<bool>> stop)
      : self_(self),
        link_(std::move(link)),
        tree_(tree),
        cache_home_(std::move(cache_home)),
        stop_(std::move(stop)),
        target_(cache_home_) {}

  Handle::behavior_type make_behavior() {
    return {
        [this](const CommandMessage& e) { OnCommand(e); },
    };
  }

 private:
  void OnCommand(const CommandMessage& e) {
    const auto* const told = std::get_if<SyncTold>(&e.command);
    if (told == nullptr || *stop_) return;
    const bool before = target_.done();
    for (SyncReply& reply : target_.OnRequest(told->message)) {
      self_->send(link_, EventMessage{SyncSaid{tree_, std::move(reply)}});
    }
    self_->send(link_, Consumed{e.cost, Channel::kSync});
    // Now that nobody waits.
    if (!before && target_.done()) PruneCacheHome(cache_home_, absl::Now());
  }

  const Handle::pointer self_;
  const EventLinkHandle link_;
  const uint32_t tree_;
  const std::string cache_home_;
  const std::shared_ptr<std::atomic<bool>> stop_;
  SyncTarget target_;
};

}  // namespace

ReplicaHandle SpawnReplica(caf::actor_system& system, EventLinkHandle link,
                           uint32_t tree, std::string cache_home,
                           std::shared_ptr<std::atomic<bool>> stop) {
  return SpawnActor<ReplicaActor, caf::detached>(
      system, std::move(link), tree, std::move(cache_home), std::move(stop));
}

}  // namespace dist
