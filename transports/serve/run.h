// One run on a server: a node process and who speaks to it.
#ifndef DIST_TRANSPORTS_SERVE_RUN_H_
#define DIST_TRANSPORTS_SERVE_RUN_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "transports/tls/session.h"

namespace dist {

// Starts `node`, welcomes the peer, and carries their words until one of them
// has ended or `stop` is readable. When it returns, the node and all that
// descended from it are gone (children in `spared` and other nodes are left
// alone). Blocks. Says how it went, in one printable line.
std::string ServeRun(TlsSession tls, const std::vector<std::string>& node,
                     const std::vector<pid_t>& spared, int stop);

}  // namespace dist

#endif  // DIST_TRANSPORTS_SERVE_RUN_H_
