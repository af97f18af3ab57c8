#include "core/report/reporter.h"

namespace dist {

#define DIST_REPORTER(name, make)                                       \
  std::unique_ptr<Reporter> make(const ReportOptions&, ReportSink& out, \
                                 ReportSink& live);
#include "core/report/reporters.inc"
#undef DIST_REPORTER

absl::Span<const ReporterEntry> Reporters() {
  static constexpr ReporterEntry kReporters[] = {
#define DIST_REPORTER(name, make) {name, make},
#include "core/report/reporters.inc"
#undef DIST_REPORTER
  };
  return kReporters;
}

}  // namespace dist
