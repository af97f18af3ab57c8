// JSON lines in the form of pytest-reportlog.
#ifndef DIST_CORE_REPORT_REPORT_LOG_H_
#define DIST_CORE_REPORT_REPORT_LOG_H_

#include <memory>

#include "core/report/reporter.h"

namespace dist {

// One Write() per line, so that a sink that flushes what it is given loses no
// line. The frameworks' own entries come as they are, with "worker", "host"
// and "attempt" added; verdicts that no framework can report (crashed,
// timeout, lost) are TestReport entries with "verdict".
std::unique_ptr<Reporter> MakeReportLogReporter(const ReportOptions& options,
                                                ReportSink& out,
                                                ReportSink& live);

}  // namespace dist

#endif  // DIST_CORE_REPORT_REPORT_LOG_H_
