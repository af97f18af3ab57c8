// Durations and test ids from JUnit XML.
#ifndef DIST_CORE_HISTORY_IMPORT_JUNIT_H_
#define DIST_CORE_HISTORY_IMPORT_JUNIT_H_

#include "core/history/import.h"

namespace dist {

// pytest's dialect names a test by `classname` ("pkg.test_x.TestC") and `name`
// ("test_y[1]") only. Its id is found by looking for the file: the longest
// beginning of the class name that is one. `file`, which the dialect xunit1
// has, is believed.
absl::StatusOr<ImportedDurations> ImportJunit(
    absl::string_view text,
    const std::function<bool(const std::string&)>& is_file);

}  // namespace dist

#endif  // DIST_CORE_HISTORY_IMPORT_JUNIT_H_
