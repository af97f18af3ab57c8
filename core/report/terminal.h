// The report that people read, in pytest's words and looks.
#ifndef DIST_CORE_REPORT_TERMINAL_H_
#define DIST_CORE_REPORT_TERMINAL_H_

#include <memory>

#include "core/report/reporter.h"

namespace dist {

// `out` gets what stays. `live` gets a status block while the run goes on, if
// `options.live`; it is erased before anything is written to `out`, so the
// bytes of both have to reach the terminal in the order in which they were
// written.
//
// If both are the same terminal, the block replaces the letters, and tests get
// a line only when something is wrong. If stdout goes elsewhere it gets what
// it would get without a terminal.
std::unique_ptr<Reporter> MakeTerminalReporter(const ReportOptions& options,
                                               ReportSink& out,
                                               ReportSink& live);

}  // namespace dist

#endif  // DIST_CORE_REPORT_TERMINAL_H_
