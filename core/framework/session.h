// Test frameworks: how a worker talks with the process that runs its tests.
//
// A session is one process life, seen as bytes: what to write to the process's
// control channel and what its answers mean. No I/O: the worker actor owns the
// process (actors/worker.h) and carries the bytes.
#ifndef DIST_CORE_FRAMEWORK_SESSION_H_
#define DIST_CORE_FRAMEWORK_SESSION_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/model/node_messages.h"

namespace dist {

class FrameworkSession {
 public:
  virtual ~FrameworkSession() = default;

  // The first bytes for the process: whatever it needs to begin.
  virtual std::string Begin() = 0;

  // The bytes that pass on a command. REQUIRES: RunTests, ReturnTests or
  // FinishWorker; a process is interrupted and killed by signals.
  virtual std::string Encode(const NodeCommand& command) = 0;

  // Takes bytes from the process, in pieces of any size, and appends what they
  // say. A session that ended in order is a WorkerFinished; it counts once the
  // process is gone. An error means that the process does not speak the
  // protocol: kill it.
  virtual absl::Status Decode(absl::string_view bytes,
                              std::vector<NodeEvent>* events) = 0;
};

struct FrameworkEntry {
  absl::string_view name;  // As in --runner.
  // Names of interpreters to look for along PATH, best first.
  absl::Span<const absl::string_view> interpreters;
  // The command line of the process; `control_fd` is the number of its control
  // descriptor there.
  std::vector<std::string> (*argv)(const std::vector<std::string>& interpreter,
                                   int control_fd);
  std::unique_ptr<FrameworkSession> (*open)(WorkerId worker,
                                            const WorkerSetup& setup);
};

// The table (frameworks.inc).
absl::Span<const FrameworkEntry> Frameworks();

// The entry of that name, or null.
const FrameworkEntry* FindFramework(absl::string_view name);

}  // namespace dist

#endif  // DIST_CORE_FRAMEWORK_SESSION_H_
