// The end of a terminal report: short summary, platforms, last line.
#ifndef DIST_CORE_REPORT_SUMMARY_H_
#define DIST_CORE_REPORT_SUMMARY_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "core/model/run_event.h"
#include "core/report/findings.h"
#include "core/report/page.h"
#include "core/report/roster.h"
#include "core/report/tally.h"

namespace dist {

// "3.21s", from a minute on "75.32s (0:01:15)".
std::string SessionDuration(absl::Duration duration);

// pytest's "short test summary info", by the characters of -r.
void PrintShortSummary(const Findings& findings, const Roster& roster,
                       const ReportOptions& options, Page& page);

// What each platform came to; nothing where there is one only.
void PrintPlatforms(const Tally& tally, const Roster& roster, Page& page);

// "=== 2 failed, 98 passed in 3.21s ===". `warnings` is their number.
void PrintLastLine(const RunEnded& ended, size_t warnings,
                   absl::Duration duration, const ReportOptions& options,
                   Page& page);

// The same after --collect-only: "14 tests collected in 0.01s".
void PrintCollectedLine(const RunEnded& ended, size_t tests,
                        absl::Duration duration, const ReportOptions& options,
                        Page& page);

}  // namespace dist

#endif  // DIST_CORE_REPORT_SUMMARY_H_
