// Which channel of a link a message takes.
#ifndef DIST_ACTORS_PROTOCOL_CHANNELS_H_
#define DIST_ACTORS_PROTOCOL_CHANNELS_H_

#include <variant>

#include "core/model/node_messages.h"
#include "core/wire/frame.h"

namespace dist {

inline Channel ChannelOf(const NodeCommand& command) {
  return std::holds_alternative<SyncTold>(command) ? Channel::kSync
                                                   : Channel::kControl;
}

inline Channel ChannelOf(const NodeEvent& event) {
  if (std::holds_alternative<OutputWritten>(event)) return Channel::kOutput;
  return std::holds_alternative<SyncSaid>(event) ||
                 std::holds_alternative<FetchSaid>(event)
             ? Channel::kSync
             : Channel::kControl;
}

}  // namespace dist

#endif  // DIST_ACTORS_PROTOCOL_CHANNELS_H_
