#include "core/report/terminal.h"

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

TEST(Terminal, LooksLikePytest) {
  Bench bench("terminal", Plain());
  bench.Tell(Started(), Announced(0), Announced(1), Grew(3));
  bench.Tell(Judged(0, "test_a.py::test_ok", Verdict::kPassed));
  bench.Tell(Judged(
      1, "test_a.py::TestA::test_b[x::y]", Verdict::kFailed,
      {Failure("test_a.py::TestA::test_b[x::y]",
               "AssertionError: assert 'a long text' == 'another text'\n+ b"),
       Failure("test_a.py::TestA::test_b[x::y]", "ValueError: td",
               Verdict::kError, Phase::kTeardown)}));
  bench.Tell(Judged(2, "test_a.py::test_skip", Verdict::kSkipped));
  bench.Tell(Ended(
      {{Verdict::kPassed, 1}, {Verdict::kFailed, 1}, {Verdict::kSkipped, 1}}));
  EXPECT_EQ(bench.out.text,
            R"(=================== test session starts ====================
platform linux -- Python 3.11.2, pytest-7.2.1, dist-0.1.0
rootdir: /src/proj, configfile: pytest.ini
plugins: cov-4.0.0, xdist-3.1.0
workers: gw0 gw1 [/usr/bin/python3]
2 workers [3 items]

.FEs                                                 [100%]

========================== ERRORS ==========================
_________ ERROR at teardown of TestA.test_b[x::y] __________
[gw0] linux -- Python 3.11.2 /usr/bin/python3

>   block of ValueError: td
========================= FAILURES =========================
____________________ TestA.test_b[x::y] ____________________
[gw0] linux -- Python 3.11.2 /usr/bin/python3

>   block of AssertionError: assert 'a long text' == 'another text'
+ b
================= short test summary info ==================
FAILED test_a.py::TestA::test_b[x::y] - AssertionError: a...
ERROR test_a.py::TestA::test_b[x::y] - ValueError: td
========== 1 failed, 1 passed, 1 skipped in 3.21s ==========
)");
}

TEST(Terminal, SaysOnlyTheResultWithQ) {
  ReportOptions options = Plain();
  options.verbosity = -1;
  Bench bench("terminal", options);
  bench.Tell(Started(), Announced(0), Grew(1, 2, 13),
             Judged(0, "t.py::a", Verdict::kPassed));
  RunEnded ended = Ended({{Verdict::kPassed, 1}}, 0.01);
  ended.deselected = 13;
  bench.Tell(ended);
  EXPECT_EQ(bench.out.text, "1 passed, 13 deselected in 0.01s\n");
}

TEST(Terminal, ListsTests) {
  ReportOptions options = Plain();
  options.verbosity = -1;
  options.collect_only = true;
  Bench bench("terminal", options);
  TestsListed listed;
  listed.platform = PlatformId(0);
  listed.ids = {"t.py::a", "t.py::b\n::error::"};
  bench.Tell(Started(), Announced(0), Grew(2), listed, Ended(0.12));
  EXPECT_EQ(bench.out.text,
            "t.py::a\nt.py::b\\n::error::\n\n2 tests collected in 0.12s\n");
}

TEST(Terminal, TellsOfLossesAndNoticesAtOnce) {
  Bench bench("terminal", Plain());
  WorkerLost lost;
  lost.name = "gw0";
  lost.host = "build2";
  lost.text = "died of SIGSEGV while running path::test";
  lost.replaced = true;
  bench.Tell(Started(), Grew(2), Judged(0, "t.py::a", Verdict::kPassed), lost,
             NoticeGiven{"host build3: exit 127", "install python3"});
  EXPECT_TRUE(absl::EndsWith(
      bench.out.text,
      "\n.\n[gw0] build2: died of SIGSEGV while running path::test; replaced\n"
      "host build3: exit 127\nhelp: install python3\n"));
}

TEST(Terminal, SaysWhyAHostCannotBeUsedAndWhatToDo) {
  Bench bench("terminal", Plain());
  bench.Tell(Started());
  bench.Tell(WorkerLost{WorkerId(), "",
                        "build\x1b"
                        "2",
                        "exit status 127: sh: not\nfound\nhelp: install \x1bit",
                        false});
  bench.Tell(WorkerLost{WorkerId(1), "gw1", "build2", "died: SIGSEGV", true});
  EXPECT_TRUE(absl::StrContains(bench.out.text,
                                "host build\\x1b2: exit status 127: sh: "
                                "not\\nfound\nhelp: install \\x1bit\n"
                                "[gw1] build2: died: SIGSEGV; replaced\n"))
      << bench.out.text;
}

}  // namespace
}  // namespace dist
