// JUnit XML in pytest's dialect (xunit2).
#ifndef DIST_CORE_REPORT_JUNIT_H_
#define DIST_CORE_REPORT_JUNIT_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "core/report/reporter.h"

namespace dist {

// The whole file is written at the end of the run: one <testsuite> per
// platform, one <testcase> per verdict. Nothing is written if the run does not
// end. A passed test costs 40 bytes until then.
std::unique_ptr<Reporter> MakeJunitReporter(const ReportOptions& options,
                                            ReportSink& out, ReportSink& live);

// What pytest makes of a node id: classname and name. "a/test_b.py::C::t[x::y]"
// becomes "a.test_b.C" and "t[x::y]".
struct JunitName {
  std::string classname;
  std::string name;
};
JunitName MangleNodeId(absl::string_view nodeid);

}  // namespace dist

#endif  // DIST_CORE_REPORT_JUNIT_H_
