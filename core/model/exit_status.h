// The exit statuses of a run, as the contract fixes them.
#ifndef DIST_CORE_MODEL_EXIT_STATUS_H_
#define DIST_CORE_MODEL_EXIT_STATUS_H_

namespace dist {

enum class ExitStatus : int {
  kOk = 0,
  kFailed = 1,       // Some failed, errored, crashed or timed out.
  kInterrupted = 2,  // Ctrl-C, or stopped by -x, --maxfail, pytest.exit.
  kInternal = 3,
  kUsage = 4,
  kNoTests = 5,
  kIncomplete = 10,  // Nothing failed, but tests were lost.
  kNoHost = 11,
  kReportFailed = 12,  // All verdicts are in, a report could not be written.
};

}  // namespace dist

#endif  // DIST_CORE_MODEL_EXIT_STATUS_H_
