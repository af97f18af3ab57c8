#include "core/config/settings.h"

#include <set>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/base/nearest.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"
#include "core/config/toml.h"

namespace dist {
namespace {

using Takes = SettingName::Takes;
using Kind = TomlEntry::Kind;

absl::Status Error(absl::string_view where, absl::string_view cause,
                   absl::string_view help) {
  return absl::InvalidArgumentError(
      absl::StrCat(where, ": ", Printable(cause), "\nhelp: ", help));
}

const SettingName* Find(absl::Span<const SettingName> known,
                        absl::string_view name) {
  for (const SettingName& setting : known) {
    if (setting.name == name) return &setting;
  }
  return nullptr;
}

absl::Status UnknownSetting(absl::string_view where, absl::string_view name,
                            absl::Span<const SettingName> known) {
  std::vector<std::string> names;
  for (const SettingName& setting : known) names.push_back(setting.name);
  return Error(where, absl::StrCat("unknown setting '", name, "'"),
               DidYouMean(name, names,
                          "settings are named as the options of dist --help"));
}

absl::Status CheckType(const TomlEntry& entry, const SettingName& setting,
                       absl::string_view where) {
  const std::string& name = setting.name;
  switch (setting.takes) {
    case Takes::kNothing:
      if (entry.kind == Kind::kBoolean) return absl::OkStatus();
      return Error(where, absl::StrCat("'", name, "' is true or false"),
                   absl::StrCat(name, " = true"));
    case Takes::kOneValue:
      if (entry.kind == Kind::kScalar) return absl::OkStatus();
      return Error(where, absl::StrCat("'", name, "' takes one value"),
                   absl::StrCat(name, " = \"...\""));
    case Takes::kManyValues:
      if (entry.kind == Kind::kScalar || entry.kind == Kind::kList) {
        return absl::OkStatus();
      }
      return Error(where, absl::StrCat("'", name, "' takes a list of values"),
                   absl::StrCat(name, " = [\"...\", \"...\"]"));
  }
  return absl::InternalError("unknown type of a setting");
}

}  // namespace

absl::StatusOr<std::vector<Setting>> ParseSettings(
    absl::string_view text, absl::string_view path,
    absl::Span<const SettingName> known) {
  DIST_ASSIGN_OR_RETURN(const auto table, ReadTomlTable(text, path, {}));
  std::vector<Setting> settings;
  std::set<std::string> seen;
  for (const TomlEntry& entry : table.value_or(TomlTable())) {
    const std::string where = absl::StrCat(path, ":", entry.line);
    const std::string name = absl::StrReplaceAll(entry.key, {{"_", "-"}});
    const SettingName* setting = Find(known, name);
    if (setting == nullptr) return UnknownSetting(where, entry.key, known);
    if (!seen.insert(name).second) {
      return Error(where, absl::StrCat("'", name, "' is set twice"),
                   "'_' counts as '-'; keep one of them");
    }
    DIST_RETURN_IF_ERROR(CheckType(entry, *setting, where));
    if (setting->takes != Takes::kNothing) {
      settings.push_back({name, entry.values, where});
    } else if (entry.values[0] == "true") {
      settings.push_back({name, {}, where});
    }
  }
  return settings;
}

}  // namespace dist
