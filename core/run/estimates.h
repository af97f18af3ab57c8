// How long tests are expected to take.
#ifndef DIST_CORE_RUN_ESTIMATES_H_
#define DIST_CORE_RUN_ESTIMATES_H_

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace dist {

// What earlier runs measured: durations by test id. Immutable in a run.
class Estimates {
 public:
  Estimates() = default;
  explicit Estimates(absl::flat_hash_map<std::string, absl::Duration> tests);

  // Something is known.
  bool known() const { return !tests_.empty(); }

  // For a test: its own duration, else the median of its file's tests, else
  // the median of all. Zero if nothing is known.
  absl::Duration Of(absl::string_view id) const;

 private:
  absl::flat_hash_map<std::string, absl::Duration> tests_;
  absl::flat_hash_map<std::string, absl::Duration> files_;
  absl::Duration median_;
};

}  // namespace dist

#endif  // DIST_CORE_RUN_ESTIMATES_H_
