// Commands of this machine that reach a shell elsewhere.
#ifndef DIST_TRANSPORTS_EXEC_H_
#define DIST_TRANSPORTS_EXEC_H_

#include <string>

#include "absl/status/statusor.h"
#include "transports/stream.h"

namespace dist {

// Runs `command` with sh -c, in a session of its own, in this process's folder
// and environment but for VIRTUAL_ENV. Its stdin and stdout are one socket. A
// thread collects its stderr and its end for the witness. Thread-safe.
absl::StatusOr<Stream> OpenExecStream(const std::string& command);

}  // namespace dist

#endif  // DIST_TRANSPORTS_EXEC_H_
