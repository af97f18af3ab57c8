// What a reporter costs a run: printed, and bounded loosely, so that a slow
// machine or a sanitizer does not fail it but a mistake does.
#include <gtest/gtest.h>
#include <malloc.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/core/report/report_testing.h"

namespace dist {
namespace {

constexpr size_t kTests = 20000;

class NullSink : public ReportSink {
 public:
  void Write(absl::string_view bytes) override { size += bytes.size(); }
  size_t size = 0;
};

double Seconds() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::vector<RunEvent> Events() {
  std::vector<RunEvent> events;
  for (uint32_t i = 0; i < kTests; ++i) {
    TestStarted started;
    started.worker = WorkerId(i % 2);
    started.test = TestIndex(i);
    started.platform = PlatformId(0);
    started.id = Intern(absl::StrCat("pkg/test_module_", i / 100,
                                     ".py::TestClass::test_function_", i));
    started.at = At(0);
    TestJudged judged = Judged(i, "", Verdict::kPassed);
    judged.id = started.id;
    events.push_back(started);
    events.push_back(judged);
  }
  return events;
}

struct Cost {
  double micros_a_test = 0;
  double bytes_a_test = 0;
  double end_millis = 0;
};

Cost Measure(absl::string_view name, const ReportOptions& options,
             const std::vector<RunEvent>& events) {
  NullSink out;
  std::unique_ptr<Reporter> reporter;
  for (const ReporterEntry& entry : Reporters()) {
    if (entry.name == name) reporter = entry.make(options, out, out);
  }
  reporter->OnEvent(Started());
  reporter->OnEvent(Announced(0));
  reporter->OnEvent(Announced(1));
  reporter->OnEvent(Grew(kTests));
  const size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
  const double start = Seconds();
  for (const RunEvent& event : events) reporter->OnEvent(event);
  const double told = Seconds();
  const size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
  const double ending = Seconds();
  reporter->OnEvent(Ended({{Verdict::kPassed, kTests}}));
  return {(told - start) * 1e6 / kTests,
          (static_cast<double>(after) - before) / kTests,
          (Seconds() - ending) * 1e3};
}

TEST(ReportSpeed, IsSmallPerPassedTest) {
  struct Row {
    const char* why;
    const char* name;
    ReportOptions options;
    double most_bytes;
  };
  ReportOptions plain, colour, live, lines, all;
  colour.color = true;
  live.live = live.stdout_is_terminal = true;
  lines.verbosity = 1;
  all.report_chars = "A";
  all.durations = 20;
  const std::vector<RunEvent> events = Events();
  for (const Row& row :
       {Row{"letters", "terminal", plain, 1},
        Row{"coloured letters", "terminal", colour, 1},
        Row{"live block", "terminal", live, 1}, Row{"-v", "terminal", lines, 1},
        Row{"-rA --durations=20", "terminal", all, 40},
        Row{"junit", "junit", plain, 70},
        Row{"report-log", "report-log", plain, 1}}) {
    const Cost cost = Measure(row.name, row.options, events);
    std::printf("%-20s %6.3f us/test %6.1f bytes/test, end %6.1f ms\n", row.why,
                cost.micros_a_test, cost.bytes_a_test, cost.end_millis);
    EXPECT_LT(cost.micros_a_test, 50) << row.why;
    EXPECT_LT(cost.bytes_a_test, row.most_bytes) << row.why;
  }
}

}  // namespace
}  // namespace dist
