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

#include <unistd.h>

#include <caf/actor_system.hpp>
#include <caf/io/all.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <cstdio>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace dist {

// An exception here is a fault of ours. CAF would end the one actor and leave
// the others waiting for it; whoever waits for this process can deal with its
// end (a coordinator loses a host, nodes clean up).
template <class Self>
void EndProcessOnException(Self self, const char* actor) {
  self->set_exception_handler([actor](std::exception_ptr& error) -> caf::error {
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& e) {
      std::fprintf(stderr, "dist: internal error in %s: %s\n", actor, e.what());
    } catch (...) {
      std::fprintf(stderr, "dist: internal error in %s\n", actor);
    }
    constexpr int kInternalError = 3;
    _exit(kInternalError);
  });
}

template <class C>
struct ActorHolder {
  static inline const char* name = C::name;
  std::optional<C> actor;
};

// An actor on the scheduler, or with caf::detached on a thread of its own,
// where it may block. C takes a Handle::pointer as its self.
template <class C, caf::spawn_options Options = caf::no_spawn_options,
          class... Args>
typename C::Handle SpawnActor(caf::actor_system& system, Args&&... args) {
  using Handle = typename C::Handle;
  using Self = typename Handle::template stateful_pointer<ActorHolder<C>>;
  return system.spawn<Options>(
      [](Self self, std::decay_t<Args>... xs) ->
      typename Handle::behavior_type {
        EndProcessOnException(self, C::name);
        self->state.actor.emplace(self, std::move(xs)...);
        return self->state.actor->make_behavior();
      },
      std::forward<Args>(args)...);
}

// An actor on the I/O multiplexer that owns the connection `scribe`; C takes a
// Handle::broker_pointer and the caf::io::connection_handle.
template <class C, class... Args>
typename C::Handle SpawnBroker(caf::actor_system& system,
                               caf::io::scribe_ptr scribe, Args&&... args) {
  using Handle = typename C::Handle;
  using Self =
      typename Handle::template stateful_broker_pointer<ActorHolder<C>>;
  return system.middleman().spawn_broker(
      [](Self self, caf::io::scribe_ptr connection, std::decay_t<Args>... xs) ->
      typename Handle::behavior_type {
        EndProcessOnException(self, C::name);
        const caf::io::connection_handle handle = connection->hdl();
        self->add_scribe(std::move(connection));
        self->state.actor.emplace(self, handle, std::move(xs)...);
        return self->state.actor->make_behavior();
      },
      std::move(scribe), std::forward<Args>(args)...);
}

}  // namespace dist

#endif  // DIST_ACTORS_ACTOR_CLASS_H_
