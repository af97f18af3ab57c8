// Reporters turn the events of a run into text, and only that.
#ifndef DIST_CORE_REPORT_REPORTER_H_
#define DIST_CORE_REPORT_REPORTER_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "core/model/run_event.h"

namespace dist {

// Where a reporter writes. Implemented by the shell; never blocks the run.
class ReportSink {
 public:
  virtual ~ReportSink() = default;
  virtual void Write(absl::string_view bytes) = 0;
};

// What reporters want to know of the command line.
struct ReportOptions {
  bool color = false;
  bool live = false;  // stderr is a terminal: a status line may be redrawn.
  bool stdout_is_terminal = false;
  size_t columns = 80;
  int verbosity = 0;             // -q: -1, -v: 1, and so on.
  std::string report_chars;      // What -r was given; empty: pytest's default.
  int durations = -1;            // --durations N; -1: not asked for; 0: all.
  double durations_min = 0.005;  // Seconds.
  std::string tb = "auto";       // --tb: "no" prints no failure blocks.
  bool show_warnings = true;
  bool collect_only = false;
  bool ci = false;           // A CI system reads along: no commands for it.
  std::string version;       // "0.1.0".
  std::string hostname;      // For JUnit.
  std::string junit_prefix;  // Likewise: of all class names.
};

// Hears every event of a run in order. Not thread-safe; one thread calls it.
class Reporter {
 public:
  virtual ~Reporter() = default;

  virtual void OnEvent(const RunEvent& event) = 0;

  // Called from time to time (10 to 20 times a second at most) so that a live
  // display can be redrawn; `now` is the run's clock.
  virtual void OnTick(absl::Time now) {}

  // The terminal has another width now (SIGWINCH).
  virtual void OnResize(size_t columns) {}
};

// A reporter of the table: how the command line names it and how to make it.
struct ReporterEntry {
  absl::string_view name;  // "terminal", "junit", "report-log".
  std::unique_ptr<Reporter> (*make)(const ReportOptions& options,
                                    ReportSink& out, ReportSink& live);
};

// All reporters. `out` is the report's file (stdout for "terminal"); `live`
// is stderr, used by "terminal" only.
absl::Span<const ReporterEntry> Reporters();

}  // namespace dist

#endif  // DIST_CORE_REPORT_REPORTER_H_
