#include "core/report/streamed.h"

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

TEST(StreamedOutput, StreamsWholeLinesOnly) {
  Bench bench("terminal", Plain());
  bench.Tell(OutputShown{"gw0", "h", "a\nb"}, OutputShown{"gw1", "h", "x\n"},
             OutputShown{"gw0", "h", "c\r\n\x1b]0;t\a"});
  EXPECT_EQ(bench.out.text, "[gw0 h] a\n[gw1 h] x\n[gw0 h] bc\n");
  bench.out.text.clear();
  bench.Tell(Ended());
  EXPECT_TRUE(absl::StartsWith(bench.out.text, "[gw0 h] \\x1b]0;t\\x07\n"));
}

}  // namespace
}  // namespace dist
