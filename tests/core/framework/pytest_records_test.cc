#include "core/framework/pytest_records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/core/framework/record_testing.h"

namespace dist {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

// The one event that `bytes` are, of the type that the caller expects.
template <class Event>
Event Only(const std::string& bytes) {
  Decoded decoded = Decode(bytes);
  EXPECT_TRUE(decoded.status.ok()) << decoded.status;
  EXPECT_THAT(decoded.events, SizeIs(1));
  if (decoded.events.size() != 1) return Event();
  const Event* event = std::get_if<Event>(&decoded.events[0]);
  EXPECT_NE(event, nullptr) << "alternative " << decoded.events[0].index();
  return event == nullptr ? Event() : *event;
}

PhaseReport ReportIn(const std::string& bytes) {
  const auto told = Only<TestsReported>(bytes);
  EXPECT_THAT(told.steps, SizeIs(1));
  if (told.steps.size() != 1 || told.steps[0].report.size() != 1) return {};
  return told.steps[0].report[0];
}

TEST(PytestDecoder, TellsThatTheFrameworkIsMissing) {
  const auto refused =
      Only<WorkerRefused>(JsonRecord('N', Json{{"reason", "no pytest"}}));
  EXPECT_EQ(refused.worker, WorkerId(7));
  EXPECT_EQ(refused.why, Refusal::kNoFramework);
  EXPECT_EQ(refused.status, 4);
  EXPECT_EQ(refused.text, "no pytest");
}

TEST(PytestDecoder, TellsTheWorkersFacts) {
  const auto facts = Only<WorkerConfigured>(
      JsonRecord('H', Json{{"python", "3.11.2"},
                           {"executable", "/usr/bin/python3"},
                           {"platform", "linux"},
                           {"pytest", "7.2.1"},
                           {"pid", 4711},
                           {"rootdir", "/r"},
                           {"inifile", "/r/pytest.ini"},
                           {"plugins", {"cov-4.0.0", "xdist-3.1.0"}},
                           {"header", {"db: sqlite"}}}));
  EXPECT_EQ(facts.worker, WorkerId(7));
  EXPECT_EQ(facts.pid, 4711u);
  EXPECT_EQ(facts.executable, "/usr/bin/python3");
  EXPECT_EQ(facts.language, "Python 3.11.2");
  EXPECT_EQ(facts.framework, "pytest-7.2.1");
  EXPECT_EQ(facts.platform, "linux");
  EXPECT_EQ(facts.rootdir, "/r");
  EXPECT_EQ(facts.inifile, "/r/pytest.ini");
  EXPECT_THAT(facts.plugins, ElementsAre("cov-4.0.0", "xdist-3.1.0"));
  EXPECT_THAT(facts.header, ElementsAre("db: sqlite"));
}

TEST(PytestDecoder, TellsUsageErrors) {
  const auto refused = Only<WorkerRefused>(
      JsonRecord('U', Json{{"text", "bad"}, {"status", 9}}));
  EXPECT_EQ(refused.why, Refusal::kUsage);
  EXPECT_EQ(refused.status, 9);
  EXPECT_EQ(refused.text, "bad");
}

TEST(PytestDecoder, TellsEveryFieldOfAReport) {
  const PhaseReport report = ReportIn(ReportRecord(5, FullReport()));
  EXPECT_EQ(report.nodeid, "t.py::a");
  EXPECT_EQ(report.phase, Phase::kTeardown);
  EXPECT_EQ(report.verdict, Verdict::kError);
  EXPECT_EQ(report.letter, "E");
  EXPECT_EQ(report.word, "ERROR");
  EXPECT_EQ(report.longrepr, "long");
  EXPECT_EQ(report.block, "block\n");
  EXPECT_EQ(report.crash_path, "t.py");
  EXPECT_EQ(report.crash_line, 3u);
  EXPECT_EQ(report.crash_message, "boom");
  EXPECT_EQ(report.reason, "why");
  EXPECT_THAT(report.sections,
              ElementsAre(Pair("Captured stdout call", "out")));
  EXPECT_THAT(report.properties, ElementsAre(Pair("name", "value")));
  EXPECT_EQ(report.micros, 250000u);
  EXPECT_EQ(report.file, "t.py");
  EXPECT_EQ(report.line, 9u);
  EXPECT_FALSE(report.rerun);
}

TEST(PytestDecoder, TellsFailedCollectors) {
  const auto told = Only<CollectorReported>(JsonRecord(
      'E',
      Json{{"nodeid", "t.py"}, {"when", "collect"}, {"category", "error"}}));
  EXPECT_EQ(told.worker, WorkerId(7));
  EXPECT_EQ(told.report.nodeid, "t.py");
  EXPECT_EQ(told.report.phase, Phase::kCollect);
  EXPECT_EQ(told.report.verdict, Verdict::kError);
}

TEST(PytestDecoder, MakesOneEventOfNeighbouringSteps) {
  const auto told = Only<TestsReported>(
      Record('S', Numbers({5})) + ReportRecord(5, FullReport()) +
      Record('D', Numbers({5, 2, 10, 20, 30})) +
      Record('O', Numbers({5}) + FullReport().dump()));
  EXPECT_EQ(told.worker, WorkerId(7));
  ASSERT_THAT(told.steps, SizeIs(4));
  EXPECT_EQ(told.steps[0].kind, TestStep::Kind::kStarted);
  EXPECT_EQ(told.steps[1].kind, TestStep::Kind::kPhase);
  EXPECT_THAT(told.steps[1].report, SizeIs(1));
  EXPECT_EQ(told.steps[2].kind, TestStep::Kind::kDone);
  EXPECT_EQ(told.steps[2].lease, 2u);
  EXPECT_EQ(told.steps[2].micros.setup, 10u);
  EXPECT_EQ(told.steps[2].micros.call, 20u);
  EXPECT_EQ(told.steps[2].micros.teardown, 30u);
  EXPECT_EQ(told.steps[3].kind, TestStep::Kind::kLate);
  EXPECT_THAT(told.steps[3].report, SizeIs(1));
  for (const TestStep& step : told.steps) EXPECT_EQ(step.position, 5u);
}

TEST(PytestDecoder, KeepsTheOrderAroundOtherEvents) {
  const Decoded decoded =
      Decode(Record('S', Numbers({1})) + JsonRecord('X', Json{{"text", "x"}}) +
             Record('S', Numbers({2})));
  ASSERT_THAT(decoded.events, SizeIs(3));
  EXPECT_TRUE(std::holds_alternative<TestsReported>(decoded.events[0]));
  EXPECT_TRUE(std::holds_alternative<InternalErrorRaised>(decoded.events[1]));
  EXPECT_TRUE(std::holds_alternative<TestsReported>(decoded.events[2]));
}

TEST(PytestDecoder, TellsReturnedTests) {
  const auto returned = Only<TestsReturned>(Record('v', Numbers({3, 5})));
  EXPECT_EQ(returned.worker, WorkerId(7));
  EXPECT_THAT(returned.positions, ElementsAre(3u, 5u));
  EXPECT_THAT(Only<TestsReturned>(Record('v', "")).positions, IsEmpty());
}

TEST(PytestDecoder, TellsLogEntriesAsTheyAre) {
  const auto entry = Only<LogEntryWritten>(Record('J', "{ not looked at"));
  EXPECT_EQ(entry.worker, WorkerId(7));
  EXPECT_EQ(entry.json, "{ not looked at");
}

TEST(PytestDecoder, TellsWarnings) {
  const auto raised = Only<WarningRaised>(
      JsonRecord('W', Json{{"message", "t.py:3: UserWarning: old"},
                           {"category", "UserWarning"},
                           {"filename", "t.py"},
                           {"lineno", 3},
                           {"when", "runtest"},
                           {"nodeid", "t.py::a"}}));
  EXPECT_EQ(raised.worker, WorkerId(7));
  EXPECT_EQ(raised.warning.message, "t.py:3: UserWarning: old");
  EXPECT_EQ(raised.warning.category, "UserWarning");
  EXPECT_EQ(raised.warning.filename, "t.py");
  EXPECT_EQ(raised.warning.line, 3u);
  EXPECT_EQ(raised.warning.when, "runtest");
  EXPECT_EQ(raised.warning.nodeid, "t.py::a");
}

TEST(PytestDecoder, TellsInternalErrors) {
  const auto raised =
      Only<InternalErrorRaised>(JsonRecord('X', Json{{"text", "t"}}));
  EXPECT_EQ(raised.worker, WorkerId(7));
  EXPECT_EQ(raised.text, "t");
}

TEST(PytestDecoder, TellsHowTheSessionEnded) {
  struct Row {
    const char* why;
    Json json;
    int status;
    std::string reason;
    bool stopped;
  };
  for (const Row& row : {
           Row{"in order", {{"exitstatus", 1}, {"reason", ""}}, 1, "", false},
           Row{"interrupted",
               {{"exitstatus", 2}, {"reason", "KeyboardInterrupt"}},
               2,
               "KeyboardInterrupt",
               true},
           Row{"shouldfail",
               {{"exitstatus", 1}, {"shouldfail", "stopping after 1"}},
               1,
               "stopping after 1",
               true},
           Row{"shouldstop, as a bool",
               {{"exitstatus", 0}, {"shouldstop", true}},
               0,
               "",
               true},
           Row{"the reason of pytest comes first",
               {{"exitstatus", 2}, {"reason", "a"}, {"shouldstop", "b"}},
               2,
               "a",
               true},
           Row{"a status that is none", {{"exitstatus", "x"}}, 0, "", false},
       }) {
    const auto finished = Only<WorkerFinished>(JsonRecord('Z', row.json));
    EXPECT_EQ(finished.worker, WorkerId(7)) << row.why;
    EXPECT_EQ(finished.status, row.status) << row.why;
    EXPECT_EQ(finished.reason, row.reason) << row.why;
    EXPECT_EQ(finished.stopped, row.stopped) << row.why;
  }
}

TEST(PytestDecoder, ListsTheCollection) {
  const Json head = {{"count", 2},
                     {"deselected", 3},
                     {"more", false},
                     {"groups", {{"1", "db"}, {"x", "no position"}}}};
  const Decoded decoded =
      Decode(ListRecord(head, std::string("t.py::a\0t.py::b", 15)));
  ASSERT_THAT(decoded.events, SizeIs(2));
  const auto& listed = std::get<CollectionListed>(decoded.events[0]);
  EXPECT_EQ(listed.hash, "");
  EXPECT_THAT(listed.ids, ElementsAre("t.py::a", "t.py::b"));
  EXPECT_THAT(listed.groups, ElementsAre(Pair(1u, "db")));
  const auto& reported = std::get<CollectionReported>(decoded.events[1]);
  EXPECT_EQ(reported.worker, WorkerId(7));
  EXPECT_EQ(reported.hash, "");
  EXPECT_EQ(reported.count, 2u);
  EXPECT_EQ(reported.deselected, 3u);
}

TEST(PytestDecoder, JoinsAListInSeveralRecords) {
  const Json more = {{"count", 1},
                     {"deselected", 0},
                     {"more", true},
                     {"groups", {{"0", "g"}}}};
  const Json last = {{"count", 1},
                     {"deselected", 4},
                     {"more", false},
                     {"groups", {{"2", "h"}}}};
  const std::string whole =
      ListRecord(more, "a") + ListRecord(more, "b") + ListRecord(last, "c");
  // Twice: nothing of the first list may stay behind.
  const Decoded decoded = Decode(whole + whole);
  ASSERT_THAT(decoded.events, SizeIs(4));
  for (const size_t at : {0, 2}) {
    const auto& listed = std::get<CollectionListed>(decoded.events[at]);
    EXPECT_THAT(listed.ids, ElementsAre("a", "b", "c"));
    EXPECT_THAT(listed.groups,
                ElementsAre(Pair(0u, "g"), Pair(0u, "g"), Pair(2u, "h")));
    const auto& reported = std::get<CollectionReported>(decoded.events[at + 1]);
    EXPECT_EQ(reported.count, 3u);
    EXPECT_EQ(reported.deselected, 4u);
  }
}

TEST(PytestDecoder, TellsNoIdsFromOneEmptyId) {
  EXPECT_THAT(std::get<CollectionListed>(
                  Decode(ListRecord({{"count", 0}}, "")).events.at(0))
                  .ids,
              IsEmpty());
  EXPECT_THAT(std::get<CollectionListed>(
                  Decode(ListRecord({{"count", 1}}, "")).events.at(0))
                  .ids,
              ElementsAre(""));
}

TEST(PytestDecoder, TellsVerdictsByCategoryThenOutcome) {
  struct Row {
    const char* why;
    const char* when;
    const char* outcome;
    const char* category;
    Verdict verdict;
    bool rerun = false;
  };
  for (const Row& row : {
           Row{"passed", "call", "passed", "passed", Verdict::kPassed},
           Row{"a passed set-up", "setup", "passed", "", Verdict::kPassed},
           Row{"failed", "call", "failed", "failed", Verdict::kFailed},
           Row{"a failed set-up", "setup", "failed", "error", Verdict::kError},
           Row{"a teardown whose category a plugin took", "teardown", "failed",
               "mine", Verdict::kError},
           Row{"a failed module", "collect", "failed", "", Verdict::kError},
           Row{"a call whose category a plugin took", "call", "failed",
               "subtests failed", Verdict::kFailed},
           Row{"skipped", "setup", "skipped", "skipped", Verdict::kSkipped},
           Row{"a skip that a plugin renamed", "call", "skipped", "mine",
               Verdict::kSkipped},
           Row{"xfailed", "call", "skipped", "xfailed", Verdict::kXfailed},
           Row{"xpassed", "call", "passed", "xpassed", Verdict::kXpassed},
           Row{"xpassed, strict", "call", "failed", "failed", Verdict::kFailed},
           Row{"a rerun by outcome", "call", "rerun", "rerun", Verdict::kPassed,
               true},
           Row{"a rerun by category", "call", "failed", "rerun",
               Verdict::kFailed, true},
           Row{"an outcome from nowhere", "call", "odd", "", Verdict::kPassed},
       }) {
    const PhaseReport report =
        ReportIn(ReportRecord(0, {{"when", row.when},
                                  {"outcome", row.outcome},
                                  {"category", row.category}}));
    EXPECT_EQ(report.verdict, row.verdict) << row.why;
    EXPECT_EQ(report.rerun, row.rerun) << row.why;
  }
}

}  // namespace
}  // namespace dist
