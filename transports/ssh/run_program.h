// Running a small local program for what it prints.
#ifndef DIST_TRANSPORTS_SSH_RUN_PROGRAM_H_
#define DIST_TRANSPORTS_SSH_RUN_PROGRAM_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "transports/stream.h"

namespace dist {

struct ProgramResult {
  std::string out;  // At most 1 MiB of each.
  std::string err;
  int status = -1;  // Exit status, 128 + N for signal N.
};

// Runs `argv` with our environment and no stdin. Blocks until it has ended and
// closed its outputs. Kills it with its process group when `patience` is over.
absl::StatusOr<ProgramResult> RunProgram(const std::vector<std::string>& argv,
                                         const Patience& patience);

}  // namespace dist

#endif  // DIST_TRANSPORTS_SSH_RUN_PROGRAM_H_
