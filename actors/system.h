// The actor system of a process, configured once and in one place.
#ifndef DIST_ACTORS_SYSTEM_H_
#define DIST_ACTORS_SYSTEM_H_

#include <memory>

namespace caf {
class actor_system;
}

namespace dist {

// Reads no configuration file, opens no port. Its destructor waits for all
// actors.
class ActorSystem {
 public:
  ActorSystem();
  ~ActorSystem();
  caf::actor_system& system();

 private:
  struct Parts;
  const std::unique_ptr<Parts> parts_;
};

}  // namespace dist

#endif  // DIST_ACTORS_SYSTEM_H_
