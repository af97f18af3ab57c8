// From words to uses of options, in order.
#ifndef DIST_CLI_OPTION_SCAN_H_
#define DIST_CLI_OPTION_SCAN_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "cli/option_table.h"

namespace dist {

// What a word turned out to be. A callback that fails ends the scan.
struct ScanHandler {
  std::function<absl::Status(const OptionRow& row, const Use& use)> option;
  std::function<absl::Status(const std::string& path)> path;
  // An option that is not in the table, with "=VALUE" if it has one; `rest` are
  // the words after it, of which it returns how many it takes as well.
  std::function<absl::StatusOr<size_t>(const std::string& word,
                                       absl::Span<const std::string> rest)>
      unknown;
};

// Reads `words` (before any "--") as argparse would: "--name=value",
// "--name value", "-kvalue", "-k value", "-k=value", "-xvn2". Errors:
// InvalidArgument for a value that is missing or too much.
absl::Status ScanOptions(absl::Span<const std::string> words,
                         const ScanHandler& handler);

}  // namespace dist

#endif  // DIST_CLI_OPTION_SCAN_H_
