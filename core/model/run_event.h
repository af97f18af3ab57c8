// What reporters hear: the life of a run, told in order, once.
//
// The run machine makes these; reporters (core/report) consume them. Strings
// are the hosts' own words and may hold anything: whoever prints them cleans
// them first (core/report/text.h).
#ifndef DIST_CORE_MODEL_RUN_EVENT_H_
#define DIST_CORE_MODEL_RUN_EVENT_H_

#include <array>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "core/model/exit_status.h"
#include "core/model/ids.h"
#include "core/model/node_messages.h"
#include "core/model/report.h"
#include "core/model/verdict.h"

namespace dist {

// The first event.
struct RunStarted {
  absl::Time at;
  std::string mode;                    // "load", "each".
  std::string rootdir;                 // As determined here.
  std::string inifile;                 // Relative to rootdir; may be empty.
  std::vector<std::string> workers;    // Names, one per slot.
  std::vector<std::string> platforms;  // By PlatformId. One, "", if not `each`.
};

// A host has its trees. Said by what connects hosts, before one is ready.
struct TreesSynced {
  std::string host;
  absl::Time from;
  absl::Time to;
};

// A worker is configured; also said of replacements.
struct WorkerAnnounced {
  WorkerId worker;
  std::string name;  // Of its slot: "gw0".
  std::string host;  // Host name as the user knows it; "localhost" for popen.
  PlatformId platform;
  WorkerConfigured facts;
  bool replacement = false;
};

// A worker collected; `tests` is the size of the run so far: units, that is
// tests times platforms, after selection.
struct CollectionGrew {
  WorkerId worker;
  size_t tests = 0;
  size_t collected_workers = 0;
  size_t deselected = 0;
};

// Collections of workers differ; one line per worker, ready to print.
struct CollectionsDiffer {
  std::vector<std::string> lines;
};

// --collect-only: the tests, in order, of one platform.
struct TestsListed {
  PlatformId platform;
  std::vector<std::string> ids;
};

struct CollectorFailed {
  std::string worker;  // Slot names here and below.
  std::string host;
  PlatformId platform;
  PhaseReport report;  // kError, or kSkipped.
};

struct TestStarted {
  WorkerId worker;
  TestIndex test;
  PlatformId platform;
  const std::string* id = nullptr;  // Lives as long as the run.
  absl::Time at;
};

// A test has its verdict.
struct TestJudged {
  TestIndex test;
  PlatformId platform;
  const std::string* id = nullptr;  // Lives as long as the run.
  Verdict verdict = Verdict::kPassed;
  bool flaky = false;  // Passed, after tries that did not.
  std::string worker;  // Slot name; empty for kLost.
  std::string host;
  uint32_t attempt = 1;
  PhaseMicros micros;
  std::vector<PhaseReport> reports;  // Phases that said more than "passed".
  absl::Time at;                     // When it was known here.
};

// A try that is not the verdict: it will run again (--retries, a lost host).
struct TestTriedAgain {
  TestJudged attempt;
  std::string why;
};

// A verdict got worse: a shared fixture's teardown failed after the test.
// Replaces the verdict of an earlier TestJudged.
struct VerdictAmended {
  TestIndex test;
  PlatformId platform;
  const std::string* id = nullptr;
  std::string worker;
  Verdict before = Verdict::kPassed;
  Verdict after = Verdict::kError;
  PhaseReport report;
};

struct WarningShown {
  std::string worker;
  WarningReport warning;
};

// A worker or a host is gone before its time. `text` is one line.
struct WorkerLost {
  WorkerId worker;
  std::string name;  // Empty: the host itself is lost.
  std::string host;
  std::string text;  // Of a host it may end with a line "help: ...".
  bool replaced = false;
};

// Something the user should know now; `help` may be empty.
struct NoticeGiven {
  std::string text;
  std::string help;
};

struct InternalErrorShown {
  std::string worker;
  std::string text;
};

struct LogEntryShown {
  std::string worker;
  std::string host;
  uint32_t attempt = 1;
  std::string json;
};

struct OutputShown {
  std::string worker;
  std::string host;
  std::string bytes;
};

// The run stops early; running tests may still report. Said once.
struct RunStopping {
  std::string why;  // "stopping after 1 failures", "interrupted".
};

// The last event.
struct RunEnded {
  absl::Time at;
  ExitStatus status = ExitStatus::kOk;
  std::array<size_t, kVerdictCount> counts{};  // By Verdict.
  size_t flaky = 0;
  size_t collect_errors = 0;
  size_t collect_skips = 0;
  size_t deselected = 0;
  size_t unrun = 0;     // Without a verdict, because the run was stopped.
  std::string stopped;  // Why, if it did not run to its end.
};

using RunEvent =
    std::variant<RunStarted, WorkerAnnounced, CollectionGrew, CollectionsDiffer,
                 TestsListed, CollectorFailed, TestStarted, TestJudged,
                 TestTriedAgain, VerdictAmended, WarningShown, WorkerLost,
                 NoticeGiven, InternalErrorShown, LogEntryShown, OutputShown,
                 TreesSynced, RunStopping, RunEnded>;

}  // namespace dist

#endif  // DIST_CORE_MODEL_RUN_EVENT_H_
