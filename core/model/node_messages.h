// What coordinator and node say to each other. One struct a message; the two
// variants at the end are all there is. docs/link.md has the byte format.
//
// Append alternatives only at the end: the wire sends their position. Two ends
// of a link are always the same build (the node is deployed by hash), so this
// is for readers of recorded traffic only.
#ifndef DIST_CORE_MODEL_NODE_MESSAGES_H_
#define DIST_CORE_MODEL_NODE_MESSAGES_H_

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/model/ids.h"
#include "core/model/report.h"
#include "core/model/sync_messages.h"

namespace dist {

// ---- Coordinator to node: commands --------------------------------------

// How to start one worker's process.
struct WorkerSetup {
  std::string name;  // "gw0": what tests see as worker_id.
  uint32_t worker_count = 1;
  std::string run_uid;    // PYTEST_XDIST_TESTRUNUID.
  std::string framework;  // An entry of the framework table: "pytest".
  std::string python;     // Interpreter asked for; empty: search there.
  std::string chdir;      // Empty: the node's own folder.
  uint32_t tree = 0;      // Not 0: chdir is in that synced tree of the host.
  // Folder there, folder here: what coverage measures there is named as here.
  std::vector<std::pair<std::string, std::string>> source_paths;
  std::vector<std::pair<std::string, std::string>> env;
  int32_t nice = 0;
  std::vector<std::string> args;       // The framework's own arguments.
  std::vector<std::string> main_args;  // The user's command line.
  bool color = false;
  uint32_t columns = 80;
  bool report_log = false;       // Send log entries.
  bool passed_sections = false;  // Send captured text of passed tests.
  bool collect_only = false;
  bool stream_output = false;  // -s: send output as it comes.
  uint32_t timeout_ms = 0;     // Per test; 0: none.

  template <class V>
  auto VisitFields(V&& v) {
    return v("name", name, "worker_count", worker_count, "run_uid", run_uid,
             "framework", framework, "python", python, "chdir", chdir, "tree",
             tree, "source_paths", source_paths, "env", env, "nice", nice,
             "args", args, "main_args", main_args, "color", color, "columns",
             columns, "report_log", report_log, "passed_sections",
             passed_sections, "collect_only", collect_only, "stream_output",
             stream_output, "timeout_ms", timeout_ms);
  }
};

// Starts a worker: its process is made, configured and collects.
struct StartWorker {
  WorkerId worker;
  WorkerSetup setup;
  template <class V>
  auto VisitFields(V&& v) {
    return v("worker", worker, "setup", setup);
  }
};

// Appends tests to a worker's queue. `positions` index the worker's own
// collection; `lease` comes back with each result.
struct RunTests {
  WorkerId worker;
  uint32_t lease = 0;
  std::vector<uint32_t> positions;
  template <class V>
  auto VisitFields(V&& v) {
    return v("worker", worker, "lease", lease, "positions", positions);
  }
};

// Asks for tests that have not started. Answer: TestsReturned.
struct ReturnTests {
  WorkerId worker;
  std::vector<uint32_t> positions;
  template <class V>
  auto VisitFields(V&& v) {
    return v("worker", worker, "positions", positions);
  }
};

// No more tests will come: run the queue, tear down, end the session, exit.
struct FinishWorker {
  WorkerId worker;
  template <class V>
  auto VisitFields(V&& v) {
    return v("worker", worker);
  }
};

// Ctrl-C for one worker: SIGINT to its process.
struct InterruptWorker {
  WorkerId worker;
  template <class V>
  auto VisitFields(V&& v) {
    return v("worker", worker);
  }
};

// SIGKILL to the worker's process group and to all it left behind.
struct KillWorker {
  WorkerId worker;
  template <class V>
  auto VisitFields(V&& v) {
    return v("worker", worker);
  }
};

// Asks for the ids behind a hash. Answer: CollectionListed.
struct ListCollection {
  std::string hash;
  template <class V>
  auto VisitFields(V&& v) {
    return v("hash", hash);
  }
};

// The run is over: kill what is left, clean up, exit.
struct CloseNode {
  template <class V>
  auto VisitFields(V&& v) {
    return v();
  }
};

// Part of a sync, for the end of it that writes the tree of that number.
struct SyncTold {
  uint32_t tree = 0;
  SyncRequest message;
  template <class V>
  auto VisitFields(V&& v) {
    return v("tree", tree, "message", message);
  }
};

// Asks for files that tests have written. They come as a sync the other way
// round, in FetchSaid and FetchAnswered; then FetchEnded.
struct FetchFiles {
  uint32_t number = 0;  // Tells fetches of one node apart.
  std::string folder;   // Absolute; "": what is in the node's artifacts folder.
  std::vector<std::string> globs;
  uint64_t max_bytes = 0;  // Of all files together; the rest stays there.
  uint32_t max_files = 0;
  template <class V>
  auto VisitFields(V&& v) {
    return v("number", number, "folder", folder, "globs", globs, "max_bytes",
             max_bytes, "max_files", max_files);
  }
};

// Part of a fetch, for the end of it that reads the files.
struct FetchAnswered {
  uint32_t number = 0;
  SyncReply message;
  template <class V>
  auto VisitFields(V&& v) {
    return v("number", number, "message", message);
  }
};

// Asks what the host is like and what time it is there. Answer: HostProbed, at
// once.
struct ProbeHost {
  template <class V>
  auto VisitFields(V&& v) {
    return v();
  }
};

using NodeCommand =
    std::variant<StartWorker, RunTests, ReturnTests, FinishWorker,
                 InterruptWorker, KillWorker, ListCollection, CloseNode,
                 SyncTold, FetchFiles, FetchAnswered, ProbeHost>;

// ---- Node to coordinator: events ----------------------------------------

// The node's first words.
struct NodeReady {
  std::string version;
  std::string hostname;
  std::string platform;  // "linux-x86_64".
  uint32_t cpus = 1;     // That the node may use: affinity and cgroup quota.
  uint32_t pid = 0;
  // Names the running kernel: nodes with the same one share its CPUs, be they
  // in containers or not. Empty: not known.
  std::string kernel;
  uint32_t kernel_cpus = 1;
  bool fresh = false;  // Nothing was ever synced to its account.
  template <class V>
  auto VisitFields(V&& v) {
    return v("version", version, "hostname", hostname, "platform", platform,
             "cpus", cpus, "pid", pid, "kernel", kernel, "kernel_cpus",
             kernel_cpus, "fresh", fresh);
  }
};

// The worker's framework is up and reads its configuration.
struct WorkerConfigured {
  WorkerId worker;
  uint32_t pid = 0;
  std::string executable;  // "/usr/bin/python3".
  std::string language;    // "Python 3.11.2".
  std::string framework;   // "pytest-7.2.1".
  std::string platform;    // sys.platform: "linux".
  std::string rootdir;
  std::string inifile;
  std::vector<std::string> plugins;  // "cov-4.0.0".
  std::vector<std::string> header;   // Further header lines of plugins.
  template <class V>
  auto VisitFields(V&& v) {
    return v("worker", worker, "pid", pid, "executable", executable, "language",
             language, "framework", framework, "platform", platform, "rootdir",
             rootdir, "inifile", inifile, "plugins", plugins, "header", header);
  }
};

enum class Refusal : uint8_t {
  kUsage,          // The framework does not accept its arguments.
  kNoInterpreter,  // Nothing to run it with.
  kNoFramework,    // An interpreter without the framework.
  kBroken,         // It could not start for another reason.
};

// The worker cannot run any test, and a replacement could not either.
struct WorkerRefused {
  WorkerId worker;
  Refusal why = Refusal::kBroken;
  int32_t status = 4;  // What the framework's own exit status would be.
  std::string text;    // The framework's words, or ours, for the user.
  template <class V>
  auto VisitFields(V&& v) {
    return v("worker", worker, "why", why, "status", status, "text", text);
  }
};

// A collector (a module, say) failed or was skipped.
struct CollectorReported {
  WorkerId worker;
  PhaseReport report;
  template <class V>
  auto VisitFields(V&& v) {
    return v("worker", worker, "report", report);
  }
};

// The worker knows its tests; `hash` names the list.
struct CollectionReported {
  WorkerId worker;
  std::string hash;
  uint32_t count = 0;
  uint32_t deselected = 0;
  // The node's next message is the list: it is short, and was not sent before.
  bool list_follows = false;
  template <class V>
  auto VisitFields(V&& v) {
    return v("worker", worker, "hash", hash, "count", count, "deselected",
             deselected, "list_follows", list_follows);
  }
};

// The list behind a hash, in the order in which it was collected.
struct CollectionListed {
  std::string hash;
  std::vector<std::string> ids;
  std::vector<std::pair<uint32_t, std::string>> groups;  // Position, group.
  template <class V>
  auto VisitFields(V&& v) {
    return v("hash", hash, "ids", ids, "groups", groups);
  }
};

// One step of one test, see TestsReported.
struct TestStep {
  enum class Kind : uint8_t {
    kStarted,
    kPhase,  // `report` says what happened.
    kDone,   // `lease` and `micros` count.
    kLate,   // A shared fixture's teardown failed after kDone: `report`.
  };
  Kind kind = Kind::kStarted;
  uint32_t position = 0;
  uint32_t lease = 0;
  PhaseMicros micros;
  std::vector<PhaseReport> report;  // None or one.

  friend std::string to_string(Kind kind) {
    return std::to_string(static_cast<int>(kind));
  }
  // kStarted and kDone are most of all traffic: they carry only what they need.
  template <class V>
  auto VisitFields(V&& v) {
    return v("kind", kind, "position", position, "lease", lease, "micros",
             micros, "report", report);
  }
};

// What happened on a worker, in order, several steps to a message.
struct TestsReported {
  WorkerId worker;
  std::vector<TestStep> steps;
  template <class V>
  auto VisitFields(V&& v) {
    return v("worker", worker, "steps", steps);
  }
};

// Tests given back because of ReturnTests; they have not run.
struct TestsReturned {
  WorkerId worker;
  std::vector<uint32_t> positions;
  template <class V>
  auto VisitFields(V&& v) {
    return v("worker", worker, "positions", positions);
  }
};

struct WarningRaised {
  WorkerId worker;
  WarningReport warning;
  template <class V>
  auto VisitFields(V&& v) {
    return v("worker", worker, "warning", warning);
  }
};

// The framework, or a plugin of it, broke.
struct InternalErrorRaised {
  WorkerId worker;
  std::string text;
  template <class V>
  auto VisitFields(V&& v) {
    return v("worker", worker, "text", text);
  }
};

// One JSON line for --report-log.
struct LogEntryWritten {
  WorkerId worker;
  std::string json;
  template <class V>
  auto VisitFields(V&& v) {
    return v("worker", worker, "json", json);
  }
};

// What a worker's processes wrote outside any capture.
struct OutputWritten {
  WorkerId worker;
  std::string bytes;
  template <class V>
  auto VisitFields(V&& v) {
    return v("worker", worker, "bytes", bytes);
  }
};

// The session ended in order and the process is gone.
struct WorkerFinished {
  WorkerId worker;
  int32_t status = 0;    // The framework's own exit status.
  std::string reason;    // Why it stopped early; empty if it did not.
  bool stopped = false;  // It stopped early: pytest.exit, session.shouldstop.
  template <class V>
  auto VisitFields(V&& v) {
    return v("worker", worker, "status", status, "reason", reason, "stopped",
             stopped);
  }
};

enum class DeathCause : uint8_t { kDied, kTimeout, kKilled };

// The process is gone without having finished its session.
struct WorkerDied {
  WorkerId worker;
  DeathCause cause = DeathCause::kDied;  // kKilled: we asked for it.
  std::string how;                       // "SIGSEGV", "exit status 3".
  bool collected = false;                // It had sent its collection.
  bool was_running = false;              // `position` is the test that ran.
  uint32_t position = 0;
  uint32_t lease = 0;
  uint64_t micros = 0;      // How long that test had been running.
  std::string last_output;  // The end of what its processes wrote.
  template <class V>
  auto VisitFields(V&& v) {
    return v("worker", worker, "cause", cause, "how", how, "collected",
             collected, "was_running", was_running, "position", position,
             "lease", lease, "micros", micros, "last_output", last_output);
  }
};

// What that end says.
struct SyncSaid {
  uint32_t tree = 0;
  SyncReply message;
  template <class V>
  auto VisitFields(V&& v) {
    return v("tree", tree, "message", message);
  }
};

// Part of a fetch: what that end says.
struct FetchSaid {
  uint32_t number = 0;
  SyncRequest message;
  template <class V>
  auto VisitFields(V&& v) {
    return v("number", number, "message", message);
  }
};

// All that was asked for has come, or could not.
struct FetchEnded {
  uint32_t number = 0;
  std::vector<std::string> notes;  // For the user: what stays there, and why.
  template <class V>
  auto VisitFields(V&& v) {
    return v("number", number, "notes", notes);
  }
};

struct HostProbed {
  int64_t clock_micros = 0;  // Since 1970, by the host's clock.
  std::string system;        // As of uname: "Linux 6.1.0 x86_64".
  uint32_t cpus = 0;         // That the host has; NodeReady: that we may use.
  std::string cache;         // The folder that dist keeps there; "": none.
  std::string cache_error;   // Why it cannot be used; "": it can.
  uint64_t free_bytes = 0;   // For us, on the disk of that folder.
  std::string passed_over;   // Why `cache` is not in the home; "": it is.
  template <class V>
  auto VisitFields(V&& v) {
    return v("clock_micros", clock_micros, "system", system, "cpus", cpus,
             "cache", cache, "cache_error", cache_error, "free_bytes",
             free_bytes, "passed_over", passed_over);
  }
};

using NodeEvent =
    std::variant<NodeReady, WorkerConfigured, WorkerRefused, CollectorReported,
                 CollectionReported, CollectionListed, TestsReported,
                 TestsReturned, WarningRaised, InternalErrorRaised,
                 LogEntryWritten, OutputWritten, WorkerFinished, WorkerDied,
                 SyncSaid, FetchSaid, FetchEnded, HostProbed>;

}  // namespace dist

#endif  // DIST_CORE_MODEL_NODE_MESSAGES_H_
