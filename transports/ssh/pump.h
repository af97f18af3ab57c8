// The thread that moves the bytes of all ssh sessions of this process.
#ifndef DIST_TRANSPORTS_SSH_PUMP_H_
#define DIST_TRANSPORTS_SSH_PUMP_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <mutex>

#include "transports/owned_fd.h"
#include "transports/ssh/channel_link.h"
#include "transports/stream.h"

namespace dist {

// For taking a link back.
class PumpTicket {
 public:
  // The link, once PartLink() has had it put here. Any thread.
  std::unique_ptr<ChannelLink> Take() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return std::move(link_);
  }
  void Put(std::unique_ptr<ChannelLink> link) {
    const std::lock_guard<std::mutex> lock(mutex_);
    link_ = std::move(link);
  }

  uint64_t id = 0;  // The pump's.

 private:
  std::mutex mutex_;
  std::unique_ptr<ChannelLink> link_;
};

// Ties the link's channel to `local`. The link lives until the channel, its
// session or the other end of `local` is closed; then its session is closed,
// too. Any thread.
std::shared_ptr<PumpTicket> PumpLink(std::unique_ptr<ChannelLink> link,
                                     OwnedFd local);

// Has the link sent what was written to the other end of `local`, to which
// nothing may be written any more, then unties it and puts it into `ticket`.
// `local` is closed when that is done, or when the link has ended before. Any
// thread.
void PartLink(std::shared_ptr<PumpTicket> ticket);

// Reads `fd` to its end, for the witness. Any thread.
void PumpWords(OwnedFd fd, std::shared_ptr<StreamWitness> witness);

// Tells the witness how a child of ours ends. Does not reap it. Any thread.
void PumpChildEnd(pid_t child, std::shared_ptr<StreamWitness> witness);

// Links there are now. For tests and measurements.
int PumpedLinks();

}  // namespace dist

#endif  // DIST_TRANSPORTS_SSH_PUMP_H_
