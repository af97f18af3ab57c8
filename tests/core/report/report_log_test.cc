#include "core/report/report_log.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "tests/core/report/report_testing.h"

namespace dist {
namespace {

std::vector<nlohmann::json> Lines(const std::string& text) {
  std::vector<nlohmann::json> lines;
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    lines.push_back(
        nlohmann::json::parse(line.begin(), line.end(), nullptr, false));
    EXPECT_TRUE(lines.back().is_object()) << line;
  }
  return lines;
}

TEST(ReportLog, FramesTheEntriesOfTheWorkers) {
  Bench bench("report-log");
  bench.Tell(Started(), Announced(0),
             LogEntryShown{"gw0", "build2", 2,
                           "{\"$report_type\": \"TestReport\",\n \"a\": 1}"},
             LogEntryShown{"gw0", "build2", 1, "{}"}, Ended());
  EXPECT_EQ(bench.out.text,
            R"({"pytest_version":"7.2.1","$report_type":"SessionStart"}
{"$report_type": "TestReport",  "a": 1, "worker":"gw0","host":"build2","attempt":2}
{"worker":"gw0","host":"build2","attempt":1}
{"exitstatus":0,"$report_type":"SessionFinish"}
)");
  EXPECT_EQ(bench.out.writes, 4u);
}

TEST(ReportLog, KeepsWhatIsNotJsonAsText) {
  for (const std::string bad : {"", "[1]", "{", "{} {}", "{\"a\": NaN}",
                                "{\"a\": \"\xff\"}", "{\"a\": \"\n\"}"}) {
    Bench bench("report-log");
    bench.Tell(LogEntryShown{"gw0", "h", 1, bad});
    const std::vector<nlohmann::json> lines = Lines(bench.out.text);
    ASSERT_EQ(lines.size(), 2u) << bad;
    EXPECT_EQ(lines[1]["$report_type"], "Unreadable") << bad;
  }
}

TEST(ReportLog, SpeaksForTestsThatNoFrameworkCanReport) {
  Bench bench("report-log");
  PhaseReport crash = Report("t.py::A::a", Verdict::kCrashed);
  crash.longrepr = "died of SIGSEGV";
  crash.file = "t.py";
  crash.line = 5;
  bench.Tell(Judged(0, "t.py::A::a", Verdict::kCrashed, {crash}),
             Judged(1, "t.py::b", Verdict::kFailed),
             Judged(2, "t.py::c", Verdict::kLost));
  const std::vector<nlohmann::json> lines = Lines(bench.out.text);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[1]["nodeid"], "t.py::A::a");
  EXPECT_EQ(lines[1]["outcome"], "failed");
  EXPECT_EQ(lines[1]["verdict"], "crashed");
  EXPECT_EQ(lines[1]["longrepr"], "died of SIGSEGV");
  EXPECT_EQ(lines[1]["location"],
            nlohmann::json::parse("[\"t.py\", 4, \"A.a\"]"));
  EXPECT_EQ(lines[2]["verdict"], "lost");
}

}  // namespace
}  // namespace dist
