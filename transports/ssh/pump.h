// The thread that moves the bytes of all ssh sessions of this process.
#ifndef DIST_TRANSPORTS_SSH_PUMP_H_
#define DIST_TRANSPORTS_SSH_PUMP_H_

#include <sys/types.h>

#include <memory>

#include "transports/owned_fd.h"
#include "transports/ssh/channel_link.h"
#include "transports/stream.h"

namespace dist {

// Ties the link's channel to `local`. The link lives until the channel, its
// session or the other end of `local` is closed; then its session is closed,
// too. Any thread.
void PumpLink(std::unique_ptr<ChannelLink> link, OwnedFd local);

// Reads `fd` to its end, for the witness. Any thread.
void PumpWords(OwnedFd fd, std::shared_ptr<StreamWitness> witness);

// Tells the witness how a child of ours ends. Does not reap it. Any thread.
void PumpChildEnd(pid_t child, std::shared_ptr<StreamWitness> witness);

// Links there are now. For tests and measurements.
int PumpedLinks();

}  // namespace dist

#endif  // DIST_TRANSPORTS_SSH_PUMP_H_
