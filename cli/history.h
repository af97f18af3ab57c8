// The history on disk: one file a project, in the user's cache.
#ifndef DIST_CLI_HISTORY_H_
#define DIST_CLI_HISTORY_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cli/options.h"
#include "core/history/history.h"
#include "core/report/reporter.h"
#include "core/run/run_plan.h"

namespace dist {

// Whether this run reads and writes a history: --no-history, DIST_NO_HISTORY.
bool WantsHistory(const Options& options);

// ${XDG_CACHE_HOME:-~/.cache}/dist/history/<16 hex digits of the root's
// SHA-256> Empty if the user has no home.
std::string HistoryPath(const std::string& rootdir);

struct LoadedHistory {
  History history;
  bool found = false;
  std::string notice;  // The file is not usable, and why; else empty.
};

// Never fails: a file that is missing or broken is an empty history.
LoadedHistory LoadHistory(const std::string& path);

// Adds a run to the file: reads it again under a lock, so that two runs that
// end at once both get in, and replaces it in one step.
absl::Status AddToHistory(const std::string& path, const MeasuredRun& run);

// Removes the file. No error if there is none.
absl::Status ClearHistory(const std::string& path);

// Sets how much slower than on its workers in general tests are on each of the
// plan's hosts.
void SetPaces(const History& history, RunPlan* plan);

// What is expected of the plan's tests on its workers, by id.
absl::flat_hash_map<std::string, absl::Duration> ExpectedOn(
    const History& history, const RunPlan& plan);

// Collects what a run measures and saves it when the run ends.
class HistoryRecorder : public Reporter {
 public:
  explicit HistoryRecorder(std::string path);
  void OnEvent(const RunEvent& event) override;

  // Whether the run could be saved; OK before its end.
  const absl::Status& status() const { return status_; }

 private:
  uint32_t PlaceOf(const std::string& host);

  const std::string path_;
  MeasuredRun run_;
  std::vector<std::string> hosts_;  // As reported; parallel to run_.hosts.
  absl::Status status_;
};

}  // namespace dist

#endif  // DIST_CLI_HISTORY_H_
