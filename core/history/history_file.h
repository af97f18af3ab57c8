// The history as bytes: compact, versioned, with a checksum (docs/history.md).
#ifndef DIST_CORE_HISTORY_HISTORY_FILE_H_
#define DIST_CORE_HISTORY_HISTORY_FILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/history/history.h"

namespace dist {

std::string FormatHistory(const History& history);

// Errors: FailedPrecondition for a version that is not ours, DataLoss for
// anything else that FormatHistory did not write. Trusts nothing: allocates no
// more than its limits and a small multiple of what is there.
absl::StatusOr<History> ParseHistory(absl::string_view bytes);

// The same without version and checksum: what they protect.
absl::StatusOr<History> ParseHistoryBody(absl::string_view body);

}  // namespace dist

#endif  // DIST_CORE_HISTORY_HISTORY_FILE_H_
