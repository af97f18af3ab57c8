#include "cli/last_failed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "tests/cli/temp_folder.h"

namespace dist {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using Ids = absl::flat_hash_set<std::string>;

constexpr char kFile[] = ".pytest_cache/v/cache/lastfailed";

class LastFailedTest : public ::testing::Test {
 protected:
  // A recorder that has heard `verdicts`, then the end of the run.
  void Run(const std::vector<std::pair<std::string, Verdict>>& verdicts) {
    LastFailedRecorder recorder(folder_.path(), ReadLastFailed(folder_.path()));
    for (const auto& [id, verdict] : verdicts) {
      recorder.OnEvent(Judged(id, verdict));
    }
    recorder.OnEvent(RunEnded());
  }
  TestJudged Judged(const std::string& id, Verdict verdict) {
    ids_.push_back(id);
    TestJudged judged;
    judged.id = &ids_.back();
    judged.verdict = verdict;
    return judged;
  }
  static CollectorFailed Collector(const std::string& id, Verdict verdict) {
    CollectorFailed failed;
    failed.report.nodeid = id;
    failed.report.verdict = verdict;
    return failed;
  }
  Ids Read() { return ReadLastFailed(folder_.path()); }

  TempFolder folder_;
  std::deque<std::string> ids_;
};

// As pytest 7.2.1 wrote it.
constexpr char kOfPytest[] =
    "{\n  \"test_a.py::test_1\": true,\n"
    "  \"test_a.py::test_p[\xc3\xa9-\\\"x\\\"]\": true\n}";

TEST_F(LastFailedTest, ReadsWhatPytestWrites) {
  folder_.Write(kFile, kOfPytest);
  EXPECT_THAT(Read(),
              UnorderedElementsAre("test_a.py::test_1",
                                   "test_a.py::test_p[\xc3\xa9-\"x\"]"));
}

TEST_F(LastFailedTest, WritesAsPytest) {
  Run({{"test_a.py::test_p[\xc3\xa9-\"x\"]", Verdict::kFailed},
       {"test_a.py::test_1", Verdict::kFailed}});
  EXPECT_EQ(folder_.Read(kFile), kOfPytest);
}

TEST_F(LastFailedTest, ReadsNothingFromWhatPytestDoesNotWrite) {
  EXPECT_THAT(Read(), IsEmpty());
  for (const char* text : {"", "nonsense", "[\"a\"]", "{\"a\": tr", "3"}) {
    folder_.Write(kFile, text);
    EXPECT_THAT(Read(), IsEmpty()) << text;
  }
}

TEST_F(LastFailedTest, AddsWhatFailedAndTakesAwayWhatPassed) {
  struct Row {
    const char* why;
    Verdict verdict;
    bool stays;
  };
  for (const Row& row : {
           Row{"passed", Verdict::kPassed, false},
           Row{"failed", Verdict::kFailed, true},
           Row{"an error", Verdict::kError, true},
           Row{"skipped, as in pytest", Verdict::kSkipped, false},
           Row{"xfailed", Verdict::kXfailed, false},
           Row{"xpassed", Verdict::kXpassed, false},
           Row{"crashed", Verdict::kCrashed, true},
           Row{"timeout", Verdict::kTimeout, true},
       }) {
    Run({{"t.py::before", Verdict::kFailed}, {"t.py::new", Verdict::kPassed}});
    ASSERT_THAT(Read(), ElementsAre("t.py::before"));
    Run({{"t.py::before", row.verdict}, {"t.py::new", row.verdict}});
    EXPECT_EQ(Read(), row.stays ? Ids({"t.py::before", "t.py::new"}) : Ids())
        << row.why;
  }
}

TEST_F(LastFailedTest, KeepsWhatDidNotRun) {
  Run({{"t.py::a", Verdict::kFailed}, {"t.py::b", Verdict::kFailed}});
  Run({{"t.py::a", Verdict::kPassed}, {"t.py::b", Verdict::kLost}});
  EXPECT_THAT(Read(), ElementsAre("t.py::b"));
}

TEST_F(LastFailedTest, RemembersAFailureOnOnePlatformOfTwo) {
  Run({{"t.py::a", Verdict::kFailed}, {"t.py::a", Verdict::kPassed}});
  EXPECT_THAT(Read(), ElementsAre("t.py::a"));
  Run({{"t.py::a", Verdict::kPassed}, {"t.py::a", Verdict::kPassed}});
  EXPECT_THAT(Read(), IsEmpty());
}

TEST_F(LastFailedTest, AddsTestsWhoseVerdictGotWorse) {
  LastFailedRecorder recorder(folder_.path(), {});
  const TestJudged judged = Judged("t.py::a", Verdict::kPassed);
  recorder.OnEvent(judged);
  VerdictAmended amended;
  amended.id = judged.id;
  recorder.OnEvent(amended);
  recorder.OnEvent(RunEnded());
  EXPECT_THAT(Read(), ElementsAre("t.py::a"));
}

TEST_F(LastFailedTest, NamesModulesUntilTheirTestsRun) {
  LastFailedRecorder recorder(folder_.path(), {});
  recorder.OnEvent(Collector("t.py", Verdict::kError));
  recorder.OnEvent(Collector("s.py", Verdict::kSkipped));
  recorder.OnEvent(RunEnded());
  EXPECT_THAT(Read(), ElementsAre("t.py"));
  Run({{"u.py::a", Verdict::kPassed}});
  EXPECT_THAT(Read(), ElementsAre("t.py"));
  Run({{"t.py::C::a", Verdict::kFailed}});
  EXPECT_THAT(Read(), ElementsAre("t.py::C::a"));
}

TEST_F(LastFailedTest, NamesAModuleThatOnlySomeCouldImport) {
  LastFailedRecorder recorder(folder_.path(), {"t.py"});
  recorder.OnEvent(Judged("t.py::a", Verdict::kPassed));
  recorder.OnEvent(Collector("t.py", Verdict::kError));
  recorder.OnEvent(Judged("t.py::b", Verdict::kPassed));
  recorder.OnEvent(Judged("u.py::c", Verdict::kFailed));
  recorder.OnEvent(RunEnded());
  EXPECT_THAT(Read(), UnorderedElementsAre("t.py", "u.py::c"));
}

TEST_F(LastFailedTest, MarksANewFolderAsACache) {
  Run({{"t.py::a", Verdict::kFailed}});
  EXPECT_THAT(folder_.Read(".pytest_cache/.gitignore"),
              ::testing::EndsWith("\n*\n"));
  EXPECT_THAT(
      folder_.Read(".pytest_cache/CACHEDIR.TAG"),
      ::testing::StartsWith("Signature: 8a477f597d28d172789f06886806bc55\n"));
}

TEST_F(LastFailedTest, TouchesNothingWhenNothingChanged) {
  Run({{"t.py::a", Verdict::kPassed}});
  EXPECT_THAT(folder_.List(), IsEmpty());
  folder_.Write(kFile, "{\"t.py::a\":true}");
  Run({{"t.py::a", Verdict::kFailed}});
  EXPECT_EQ(folder_.Read(kFile), "{\"t.py::a\":true}");
  EXPECT_FALSE(folder_.Has(".pytest_cache/.gitignore"));
}

TEST_F(LastFailedTest, IsNoFailureWhereNothingCanBeWritten) {
  folder_.Write(".pytest_cache", "a file");
  Run({{"t.py::a", Verdict::kFailed}});
  EXPECT_EQ(folder_.Read(".pytest_cache"), "a file");
}

}  // namespace
}  // namespace dist
