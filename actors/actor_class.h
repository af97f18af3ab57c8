// Spawns an actor written as a class:
//
//   class WorkerActor {
//    public:
//     using Handle = WorkerHandle;
//     static inline const char* name = "dist.worker";
//     WorkerActor(Self self, ...);   // Self: see below
//     Handle::behavior_type make_behavior();
//   };
//
// The shape is that of caf::actor_from_state in CAF 1.x.
#ifndef DIST_ACTORS_ACTOR_CLASS_H_
#define DIST_ACTORS_ACTOR_CLASS_H_

#include <caf/actor_system.hpp>
#include <caf/io/all.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <optional>
#include <type_traits>
#include <utility>

namespace dist {

template <class C>
struct ActorHolder {
  static inline const char* name = C::name;
  std::optional<C> actor;
};

// An actor on the scheduler; C takes a Handle::pointer as its self.
template <class C, class... Args>
typename C::Handle SpawnActor(caf::actor_system& system, Args&&... args) {
  using Handle = typename C::Handle;
  using Self = typename Handle::template stateful_pointer<ActorHolder<C>>;
  return system.spawn(
      [](Self self,
         std::decay_t<Args>... xs) -> typename Handle::behavior_type {
        self->state.actor.emplace(self, std::move(xs)...);
        return self->state.actor->make_behavior();
      },
      std::forward<Args>(args)...);
}

// An actor on the I/O multiplexer that owns the connected socket `fd`; C takes
// a Handle::broker_pointer and the caf::io::connection_handle.
template <class C, class... Args>
typename C::Handle SpawnBroker(caf::actor_system& system, int fd,
                               Args&&... args) {
  using Handle = typename C::Handle;
  using Self = typename Handle::template stateful_broker_pointer<ActorHolder<C>>;
  auto scribe = system.middleman().backend().new_scribe(fd);
  return system.middleman().spawn_broker(
      [](Self self, caf::io::scribe_ptr connection,
         std::decay_t<Args>... xs) -> typename Handle::behavior_type {
        const caf::io::connection_handle handle = connection->hdl();
        self->add_scribe(std::move(connection));
        self->state.actor.emplace(self, handle, std::move(xs)...);
        return self->state.actor->make_behavior();
      },
      std::move(scribe), std::forward<Args>(args)...);
}

}  // namespace dist

#endif  // DIST_ACTORS_ACTOR_CLASS_H_
