#include "core/run/judge.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace dist {
namespace {

// The higher, the more it says about the test as a whole.
int Weight(Verdict verdict) {
  switch (verdict) {
    case Verdict::kFailed:
      return 4;
    case Verdict::kError:
      return 3;
    case Verdict::kXpassed:
    case Verdict::kXfailed:
      return 2;
    case Verdict::kSkipped:
      return 1;
    default:
      return 0;
  }
}

}  // namespace

Verdict Judge(const std::vector<PhaseReport>& reports) {
  Verdict verdict = Verdict::kPassed;
  for (const PhaseReport& report : reports) {
    if (report.rerun) continue;
    if (Weight(report.verdict) > Weight(verdict)) verdict = report.verdict;
  }
  return verdict;
}

PhaseReport DescribeDeath(const WorkerDied& death, const std::string& worker,
                          const std::string& nodeid) {
  PhaseReport report;
  report.nodeid = nodeid;
  report.phase = Phase::kCall;
  report.micros = death.micros;
  const double seconds = static_cast<double>(death.micros) / 1e6;
  if (death.cause == DeathCause::kTimeout) {
    report.verdict = Verdict::kTimeout;
    report.word = "TIMEOUT";
    report.crash_message =
        absl::StrFormat("ran longer than allowed, killed after %.2fs", seconds);
  } else {
    report.verdict = Verdict::kCrashed;
    report.word = "CRASHED";
    report.crash_message = absl::StrFormat(
        "the test process died: %s, %.2fs into the test", death.how, seconds);
  }
  report.longrepr = absl::StrCat("worker '", worker, "' was running '", nodeid,
                                 "'\n", report.crash_message, "\n");
  if (!death.last_output.empty()) {
    absl::StrAppend(&report.longrepr, "--- last output of the process ---\n",
                    death.last_output,
                    death.last_output.back() == '\n' ? "" : "\n");
  }
  report.block = report.longrepr;
  return report;
}

PhaseReport DescribeLosses(uint32_t losses, const std::string& nodeid) {
  PhaseReport report;
  report.nodeid = nodeid;
  report.verdict = Verdict::kCrashed;
  report.word = "CRASHED";
  report.crash_message = absl::StrCat(losses, " nodes were lost while it ran");
  report.longrepr = absl::StrCat(report.crash_message, "\n");
  report.block = report.longrepr;
  return report;
}

PhaseReport DescribeNoRetry(Verdict verdict, const std::string& nodeid) {
  PhaseReport report;
  report.nodeid = nodeid;
  report.verdict = verdict;
  report.crash_message =
      absl::StrCat(Word(verdict), ", and no worker was left to try it again");
  report.longrepr = absl::StrCat(report.crash_message, "\n");
  report.block = report.longrepr;
  return report;
}

}  // namespace dist
