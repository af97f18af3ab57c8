#include "core/report/failures.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/core/report/report_testing.h"

namespace dist {
namespace {

ReportOptions Plain() {
  ReportOptions options;
  options.version = "0.1.0";
  options.columns = 60;
  return options;
}

TEST(FailureSections, GroupsByPlatformUnderEach) {
  Bench bench("terminal", Plain());
  bench.Tell(Started({"a", "b"}, {"python=python3.9", "python=python3.11"}),
             Announced(0), Announced(1, "build2", 1), Grew(2));
  TestJudged bad = Judged(0, "t.py::a", Verdict::kFailed,
                          {Failure("t.py::a", "ValueError: x")});
  bench.Tell(bad);
  bad.platform = PlatformId(1);
  bad.worker = "gw1";
  bench.Tell(bad, Ended({{Verdict::kFailed, 2}}));
  const size_t start = bench.out.text.find("====== FAILURES on");
  EXPECT_EQ(bench.out.text.substr(start),
            R"(====== FAILURES on python=python3.9 ===============
____________________________ a _____________________________
[gw0] linux -- Python 3.11.2 /usr/bin/python3

>   block of ValueError: x
============== FAILURES on python=python3.11 ===============
____________________________ a _____________________________
[gw1 build2] linux -- Python 3.11.2 /usr/bin/python3

>   block of ValueError: x
================= short test summary info ==================
FAILED t.py::a on python=python3.9 - ValueError: x
FAILED t.py::a on python=python3.11 - ValueError: x
======================== platforms =========================
python=python3.9   1 failed
python=python3.11  1 failed
==================== 2 failed in 3.21s =====================
)");
}

TEST(TitleOf, IsTheTestsOwnPart) {
  EXPECT_EQ(TitleOf("a/t.py::test_x"), "test_x");
  EXPECT_EQ(TitleOf("a/t.py::A::B::t[x::y.z]"), "A.B.t[x::y.z]");
  EXPECT_EQ(TitleOf("Suite.Case"), "Suite.Case");
  EXPECT_EQ(TitleOf(""), "");
}

}  // namespace
}  // namespace dist
