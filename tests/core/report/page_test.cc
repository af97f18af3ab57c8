#include "core/report/page.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "tests/core/report/report_testing.h"

namespace dist {
namespace {

ReportOptions Plain() {
  ReportOptions options;
  options.version = "0.1.0";
  options.columns = 60;
  return options;
}

TEST(Page, NeutralisesCiCommands) {
  ReportOptions options = Plain();
  options.ci = true;
  Bench bench("terminal", options);
  PhaseReport bad = Failure("t.py::a", "ValueError: x");
  bad.block = "\n::error::gotcha\n  ##vso[task]\n";
  bench.Tell(Judged(0, "t.py::a", Verdict::kFailed, {bad}), Ended());
  EXPECT_TRUE(absl::StrContains(bench.out.text, "\n: :error::gotcha\n"));
  EXPECT_TRUE(absl::StrContains(bench.out.text, "\n  # #vso[task]\n"));
}

TEST(Page, StartsLinesOfTheirOwnAfterErasingWhatDoesNotStay) {
  StringSink out;
  Page page(Plain(), out, [&] { out.text += "<erase>"; });
  page.Write("..", 2);
  page.Line("x");
  EXPECT_EQ(out.text, "<erase>..<erase>\n<erase>x\n");
}

TEST(Page, IsAsWideAsPytestsWhenTheTerminalIsNotSane) {
  for (const size_t columns : {0, 1, 39}) {
    ReportOptions options;
    options.columns = columns;
    StringSink out;
    EXPECT_EQ(Page(options, out, [] {}).width(), 80u) << columns;
  }
}

}  // namespace
}  // namespace dist
