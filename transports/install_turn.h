// Turns at installing a program.
//
// Hosts may be one machine, and share a folder: only one of them is sent the
// program then, the others find it there.
#ifndef DIST_TRANSPORTS_INSTALL_TURN_H_
#define DIST_TRANSPORTS_INSTALL_TURN_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "transports/owned_fd.h"
#include "transports/stream.h"

namespace dist {

// A wish to install at a place. Wishes of this process for one place come to
// their turn one after another, until one is fulfilled. For one thread.
class InstallTurn {
 public:
  // `place`: a folder of a machine, and the program.
  explicit InstallTurn(std::string place);
  // The turn is the next one's.
  ~InstallTurn();
  InstallTurn(const InstallTurn&) = delete;
  InstallTurn& operator=(const InstallTurn&) = delete;

  // Waits for the turn. False: another one says that it is installed. After
  // `limit` it is everybody's turn: no host may keep another one from working.
  // Errors: Cancelled, as `patience` has it; its deadline does not count.
  absl::StatusOr<bool> Await(absl::Duration limit, const Patience& patience);
  // It is installed.
  void Fulfill();

 private:
  const std::string place_;
  OwnedFd told_;  // An eventfd: there is something new.
};

}  // namespace dist

#endif  // DIST_TRANSPORTS_INSTALL_TURN_H_
