// Opening channels of a session that is logged in.
#ifndef DIST_TRANSPORTS_SSH_CHANNELS_H_
#define DIST_TRANSPORTS_SSH_CHANNELS_H_

#include <string>

#include "absl/status/status.h"
#include "transports/ssh/channel_link.h"
#include "transports/ssh/settings.h"
#include "transports/stream.h"

namespace dist {

// Opens the link's channel and runs `command` on it, without a terminal and
// without variables. `where` names the host for people. Blocks.
absl::Status OpenExecChannel(ChannelLink* link, const std::string& command,
                             const std::string& where,
                             const Patience& patience);

// Opens the link's channel to host and port of `to`, as seen from the server.
// Blocks.
absl::Status OpenForwardChannel(ChannelLink* link, const SshSettings& to,
                                const std::string& where,
                                const Patience& patience);

}  // namespace dist

#endif  // DIST_TRANSPORTS_SSH_CHANNELS_H_
