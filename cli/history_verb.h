// `dist history`: shows, clears and imports durations.
#ifndef DIST_CLI_HISTORY_VERB_H_
#define DIST_CLI_HISTORY_VERB_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace dist {

// `dist history [clear | import FILE...] [--rootdir DIR] [-c FILE]`; `args`
// without the verb. Returns what to print. Errors are the user's.
absl::StatusOr<std::string> RunHistoryVerb(
    const std::vector<std::string>& args);

// "62.0 s", "3.2 ms".
std::string ShortDuration(double seconds);

}  // namespace dist

#endif  // DIST_CLI_HISTORY_VERB_H_
