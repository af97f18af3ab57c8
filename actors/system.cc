#include "actors/system.h"

#include <malloc.h>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/io/middleman.hpp>

#include "actors/protocol/register.h"

namespace dist {
namespace {

// Messages of 256 KiB come and go all the time. By default each would be taken
// from the kernel anew and filled with zeros first: a seventh of what sending a
// large file to four hosts costs.
void KeepFreedMemory() {
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
  mallopt(M_TRIM_THRESHOLD, 16 << 20);
}

struct Config : caf::actor_system_config {
  Config() {
    KeepFreedMemory();
    RegisterMessages(*this);
    // Loaded for its brokers only: nothing is published, opened or spawned
    // remotely.
    load<caf::io::middleman>();
    // Stealing schedulers poll; sharing ones sleep and hand over faster.
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", size_t{2});
    set("middleman.workers", size_t{0});
  }
};

}  // namespace

struct ActorSystem::Parts {
  Config config;
  caf::actor_system system{config};
};

ActorSystem::ActorSystem() : parts_(std::make_unique<Parts>()) {}
ActorSystem::~ActorSystem() = default;

caf::actor_system& ActorSystem::system() { return parts_->system; }

}  // namespace dist
