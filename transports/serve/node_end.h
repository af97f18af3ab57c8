// The node's end of a run that `dist serve` has begun.
#ifndef DIST_TRANSPORTS_SERVE_NODE_END_H_
#define DIST_TRANSPORTS_SERVE_NODE_END_H_

#include "absl/status/statusor.h"
#include "transports/stream.h"

namespace dist {

// Takes stdin, the socket of a peer that dist serve has let in, and stdout, by
// which that hands the key over, away from this process, and makes a session
// with the peer. When dist serve ends, or wants it, the stream ends. Blocks,
// for 10 s at most. Once, from main().
absl::StatusOr<LinkSocket> TakeServedLink();

}  // namespace dist

#endif  // DIST_TRANSPORTS_SERVE_NODE_END_H_
