#include "actors/protocol/register.h"

#include <caf/actor_system_config.hpp>

#include "actors/protocol/wire.h"

namespace dist {

// The only instantiation of the registration templates: it costs seconds.
void RegisterMessages(caf::actor_system_config& config) {
  config.add_message_types<caf::id_block::dist>();
}

}  // namespace dist
