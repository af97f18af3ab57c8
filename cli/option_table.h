// The table of options: parser, help text and dist.toml come from it.
#ifndef DIST_CLI_OPTION_TABLE_H_
#define DIST_CLI_OPTION_TABLE_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "cli/options.h"

namespace dist {

// Sources by precedence.
enum class Source { kSettings, kIni, kEnvironment, kCommandLine };

// The options while they are collected, with what decides between sources.
struct Draft {
  Options out;
  Source source = Source::kSettings;  // The one being read.

  std::optional<DistMode> dist;
  bool load_flag = false;  // -d; wins over --dist of its source.
  std::optional<int> numprocesses;
  std::optional<Source> rsyncdirs_from, rsyncignore_from, where_from;
};

// Not a setting: a project cannot vouch for itself.
inline constexpr char kTrustProject[] = "--trust-project";

// One use of an option.
struct Use {
  std::string name;   // As in the table, the first with two dashes.
  std::string value;  // Empty for flags.
};

struct OptionRow {
  enum class Takes { kNothing, kValue, kOptionalValue };

  std::string names;  // "-n,--numprocesses"; the form of CLI11.
  Takes takes = Takes::kNothing;
  std::string metavar;  // Of the help text.
  std::string help;     // Empty: not in the table of the help text.
  bool repeatable = false;
  std::function<absl::Status(const Use& use, Draft* draft)> apply;

  std::vector<std::string> AllNames() const;  // "-n", "--numprocesses".
  std::string LongName() const;  // The first long one, else the first.
};

const std::vector<OptionRow>& OptionTable();

// "CAUSE\nhelp: HELP" as InvalidArgument.
absl::Status UsageError(absl::string_view cause, absl::string_view help);

}  // namespace dist

#endif  // DIST_CLI_OPTION_TABLE_H_
