// A link that goes straight into an ssh session, without the pump and the
// sockets that lead to it.
#ifndef DIST_TRANSPORTS_SSH_CARRIED_LINK_H_
#define DIST_TRANSPORTS_SSH_CARRIED_LINK_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "transports/owned_fd.h"
#include "transports/ssh/channel_link.h"
#include "transports/ssh/pump.h"
#include "transports/stream.h"

namespace dist {

class CarriedLink : public SecuredLink {
 public:
  // `ahead` is what has come already. Null: the link has ended with that.
  CarriedLink(std::unique_ptr<ChannelLink> link, std::string ahead);
  // As Finish().
  ~CarriedLink() override;

  absl::StatusOr<size_t> Read(char* data, size_t size) override;
  absl::StatusOr<size_t> Write(const char* data, size_t size) override;
  size_t pending() const override;
  bool unsent() const override;
  bool blocked() const override { return blocked_; }
  // The pump sends what is left, closes the channel, and hears how the command
  // ended if it has.
  void Finish() override;

 private:
  std::unique_ptr<ChannelLink> link_;
  std::string ahead_;
  bool blocked_ = false;
};

// Takes from the pump what is behind `fd`, the other end of a PumpLink(). What
// was written to `fd` is sent first. Blocks, half a minute at most; errors: of
// `patience`. A link that has ended says so when it is read.
absl::StatusOr<LinkSocket> CarryLink(OwnedFd fd,
                                     std::shared_ptr<PumpTicket> ticket,
                                     const Patience& patience);

}  // namespace dist

#endif  // DIST_TRANSPORTS_SSH_CARRIED_LINK_H_
