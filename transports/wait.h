// Waiting that ends when the caller has had enough.
#ifndef DIST_TRANSPORTS_WAIT_H_
#define DIST_TRANSPORTS_WAIT_H_

#include <mutex>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "transports/owned_fd.h"
#include "transports/stream.h"

namespace dist {

// The deadline, later by what questions on the terminal have taken so far.
absl::Time DeadlineOf(const Patience& patience);

// Waits until one of `events` of poll(2), an error or a hang-up is there on
// `fd`; -1 waits for no descriptor. Errors: Cancelled and DeadlineExceeded, as
// `patience` has it.
absl::Status WaitFor(int fd, short events, const Patience& patience);

// Waits for `fd`, but at most for `limit`; OK also when that is over.
absl::Status WaitAtMost(int fd, short events, absl::Duration limit,
                        const Patience& patience);

// OK, Cancelled or DeadlineExceeded; does not wait.
absl::Status CheckPatience(const Patience& patience);

// Waits for the mutex. Errors: as WaitFor.
absl::Status Lock(std::unique_lock<std::timed_mutex>* lock,
                  const Patience& patience);

// The same patience, with no more time than `limit` from now; its deadline is
// the one that DeadlineOf() has now.
Patience AtMost(absl::Duration limit, const Patience& patience);

// True if `status` says that the caller, not the host, ended something.
bool IsImpatience(const absl::Status& status);

void SetNonBlocking(int fd);

// Two connected stream sockets, close-on-exec, blocking.
absl::Status MakeSocketPair(OwnedFd* a, OwnedFd* b);

}  // namespace dist

#endif  // DIST_TRANSPORTS_WAIT_H_
