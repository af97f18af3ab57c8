// The doctor: looks at hosts without running a test there.
#ifndef DIST_ACTORS_DOCTOR_H_
#define DIST_ACTORS_DOCTOR_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "core/model/node_messages.h"
#include "transports/transport.h"

namespace dist {

// What was found of a host. Strings may be foreign, and hold anything.
struct HostFindings {
  // Not empty: it could not be reached, or was lost. One line in the host's own
  // words, perhaps "help: ..." on another.
  std::string error;
  bool reached = false;      // All below was found.
  absl::Duration connected;  // From the start to the node's first word.
  NodeReady ready;
  HostProbed probed;
  absl::Duration trip;   // The shortest round trip of some.
  absl::Duration clock;  // Its clock less ours, give or take half of `trip`.
};

// What was found of an interpreter there.
struct WorkerFindings {
  std::string error;  // Not empty: why no test can run. As above.
  WorkerConfigured configured;
};

struct DoctorFindings {
  std::vector<HostFindings> hosts;      // By HostId.
  std::vector<WorkerFindings> workers;  // As they were asked for.
  std::vector<std::string> notes;       // Lines that begin with a host.
  bool interrupted = false;             // The others are not complete.
};

class Doctor {
 public:
  struct Worker {
    HostId host;
    WorkerSetup setup;  // Of a worker that collects nothing.
  };
  struct Setup {
    std::vector<HostAddress> addresses;  // By HostId.
    std::vector<Worker> workers;
  };

  // Begins at once, with all hosts. Call it before any other thread is made, as
  // Coordinator's.
  explicit Doctor(Setup setup);
  // Waits for the actors.
  ~Doctor();
  Doctor(const Doctor&) = delete;
  Doctor& operator=(const Doctor&) = delete;

  // Blocks until all hosts have been looked at and left.
  DoctorFindings Wait();

  // Ctrl-C, from any thread.
  void RequestStop(const std::string& why);

 private:
  struct Parts;
  const std::unique_ptr<Parts> parts_;
};

}  // namespace dist

#endif  // DIST_ACTORS_DOCTOR_H_
