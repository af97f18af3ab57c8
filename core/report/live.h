// The live block: a few lines at the bottom of a terminal that say what runs
// now. Redrawn in place, gone before anything permanent is written.
#ifndef DIST_CORE_REPORT_LIVE_H_
#define DIST_CORE_REPORT_LIVE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "core/model/run_event.h"
#include "core/report/reporter.h"
#include "core/report/roster.h"
#include "core/report/tally.h"

namespace dist {

class LiveBlock {
 public:
  // Draws nothing, ever, unless the options say that there is a terminal.
  LiveBlock(const ReportOptions& options, ReportSink& live,
            const Roster& roster, const Tally& tally);

  void On(const RunStarted& event) { started_at_ = event.at; }
  void On(const TestStarted& event);
  void On(const TestJudged& event);
  void On(const WorkerLost& event);
  void On(const RunStopping& event);
  void On(const RunEnded& event);
  void Resize(size_t columns) { columns_ = columns; }

  // Redraws, unless that was done less than 50 ms ago.
  void Draw(absl::Time now);

  // Takes the block from the screen. Cheap if there is none.
  void Erase() {
    if (drawn_rows_ > 0) EraseDrawn();
  }

  bool enabled() const { return enabled_; }

 private:
  struct Running {
    TestIndex test;
    PlatformId platform;
    const std::string* id = nullptr;
    absl::Time since;
  };
  // A slot and the test it runs.
  using Row = std::pair<std::string, Running>;

  std::vector<Row> LongestFirst() const;
  std::vector<std::string> Rows(absl::Time now) const;
  std::string Status(absl::Time now) const;
  std::string TimeLeft(absl::Time now) const;
  void EraseDrawn();

  bool enabled_;
  size_t columns_;
  ReportSink& live_;
  const Roster& roster_;
  const Tally& tally_;
  absl::flat_hash_map<std::string, Running> running_;  // By slot name.
  std::optional<absl::Time> started_at_;
  std::optional<absl::Time> first_test_at_;
  std::optional<absl::Time> drawn_at_;
  std::string stopping_;
  size_t drawn_rows_ = 0;
};

}  // namespace dist

#endif  // DIST_CORE_REPORT_LIVE_H_
