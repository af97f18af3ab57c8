// One table of a TOML file, as strings. Hides toml11, and its exceptions.
#ifndef DIST_CORE_CONFIG_TOML_H_
#define DIST_CORE_CONFIG_TOML_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace dist {

struct TomlEntry {
  // kOther: a table, an array of anything but scalars, a date or a time.
  enum class Kind { kBoolean, kScalar, kList, kOther };

  std::string key;
  Kind kind = Kind::kOther;
  // One for kBoolean ("true", "false") and kScalar; those of a kList; none for
  // kOther. Numbers as they would be printed, strings as they are.
  std::vector<std::string> values;
  int line = 0;  // From 1; of the value.
};

// Entries by line.
using TomlTable = std::vector<TomlEntry>;

// Returns the table at `table_path` ({} is the file's root, {"tool", "x"} is
// [tool.x]), or nothing if the file has no such table.
// Errors: InvalidArgument "PATH:LINE: cause\nhelp: ..." for text that is no
// TOML, is larger than 1 MiB or nested deeper than 64 (toml11 recurses);
// `path` is used for nothing else.
absl::StatusOr<std::optional<TomlTable>> ReadTomlTable(
    absl::string_view text, absl::string_view path,
    absl::Span<const std::string> table_path);

}  // namespace dist

#endif  // DIST_CORE_CONFIG_TOML_H_
