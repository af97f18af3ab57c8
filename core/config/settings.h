// dist.toml: the options of a run, written down.
#ifndef DIST_CORE_CONFIG_SETTINGS_H_
#define DIST_CORE_CONFIG_SETTINGS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace dist {

// What a setting of this name takes; the option parser says which there are.
struct SettingName {
  enum class Takes { kNothing, kOneValue, kManyValues };

  std::string name;  // "max-worker-restart", or "k" for -k.
  Takes takes = Takes::kOneValue;
};

// One setting of a file, good for an option of the same name.
struct Setting {
  std::string name;                 // As in SettingName.
  std::vector<std::string> values;  // Empty if it takes nothing.
  std::string where;                // "dist.toml:3", for later errors.
};

// Parses the text of a dist.toml:
//
//     dist = "load"
//     tx = ["4*popen", "ssh=build2"]
//     no-sync = true
//
// "_" counts as "-". A flag that is false is left out. Errors:
// InvalidArgument "PATH:LINE: cause\nhelp: ..." for text that is no TOML, a
// name that is not in `known`, and a value of the wrong type.
absl::StatusOr<std::vector<Setting>> ParseSettings(
    absl::string_view text, absl::string_view path,
    absl::Span<const SettingName> known);

}  // namespace dist

#endif  // DIST_CORE_CONFIG_SETTINGS_H_
