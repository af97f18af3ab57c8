// Durations that other tools wrote down: JUnit XML, pytest-split's
// .test_durations, pytest-reportlog's JSON lines.
#ifndef DIST_CORE_HISTORY_IMPORT_H_
#define DIST_CORE_HISTORY_IMPORT_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace dist {

struct ImportedDurations {
  std::string format;  // For people: "JUnit XML".
  std::vector<std::pair<std::string, uint64_t>> tests;  // Id, microseconds.
  size_t unmatched = 0;  // JUnit: cases of which no file was found.
};

// Tells the format from the text. `is_file` says whether there is a file of
// that name, relative to the project's root; only JUnit needs it. Only tests
// that ran to their end count. Errors: InvalidArgument, what is wrong.
absl::StatusOr<ImportedDurations> ImportDurations(
    absl::string_view text,
    const std::function<bool(const std::string&)>& is_file);

}  // namespace dist

#endif  // DIST_CORE_HISTORY_IMPORT_H_
