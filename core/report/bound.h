// What bounded a run: one line that says where its time went.
#ifndef DIST_CORE_REPORT_BOUND_H_
#define DIST_CORE_REPORT_BOUND_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "core/model/run_event.h"

namespace dist {

class Bound {
 public:
  void On(const RunStarted& event) { began_ = event.at; }
  void On(const TreesSynced& event) {
    syncs_.emplace_back(event.from, event.to);
  }
  void On(const TestStarted& event) {
    if (!first_start_) first_start_ = event.at;
  }
  void On(const TestJudged& event);
  void On(const TestTriedAgain& event) { On(event.attempt); }

  // "wall 81 s = longest test 62 s on gw3 + 12 s sync + 7 s start-up and
  // collection".
  // Empty if no test ran, or the run was stopped.
  std::string Line(const RunEnded& ended) const;

 private:
  struct Worker {
    absl::Duration busy;
    std::string host;
  };
  // A test and when it ended.
  struct Longest {
    absl::Duration took;
    absl::Time end;
    std::string worker;
  };

  std::string Place(const std::string& worker) const;
  // How long before the first test some host was being synced.
  absl::Duration SyncTime() const;

  std::optional<absl::Time> began_;
  std::optional<absl::Time> first_start_;
  std::vector<std::pair<absl::Time, absl::Time>> syncs_;
  absl::Time last_end_ = absl::InfinitePast();
  absl::flat_hash_map<std::string, Worker> workers_;  // By slot name.
  Longest longest_;
};

}  // namespace dist

#endif  // DIST_CORE_REPORT_BOUND_H_
