#include "core/config/toml.h"

#include <algorithm>
#include <exception>
#include <sstream>
#include <toml.hpp>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/base/text.h"

namespace dist {
namespace {

constexpr size_t kLargestFile = 1 << 20;
constexpr int kDeepest = 64;

absl::Status Error(absl::string_view path, int line, absl::string_view cause,
                   absl::string_view help) {
  return absl::InvalidArgumentError(
      absl::StrCat(path, ":", line, ": ", Printable(cause), "\nhelp: ", help));
}

// An upper bound of the nesting on any line and of open brackets: it may count
// a bracket within a string, of which 64 open ones are unlikely.
std::optional<int> LineNestedTooDeeply(absl::string_view text) {
  int line = 1, open = 0, dots = 0;
  for (const char c : text) {
    if (c == '\n') {
      ++line;
      dots = 0;
    }
    if (c == '[' || c == '{') ++open;
    if (c == ']' || c == '}') open = std::max(0, open - 1);
    // Dotted keys nest as well; words of a string have blanks between.
    if (c == '.') ++dots;
    if (c == ' ' || c == '"' || c == '\'') dots = 0;
    if (open > kDeepest || dots > kDeepest) return line;
  }
  return std::nullopt;
}

// toml11 writes "[error] toml::parse_x: cause\n --> file\n ...".
std::string CauseOf(const std::exception& error) {
  std::string cause = error.what();
  cause = cause.substr(0, cause.find('\n'));
  const size_t function = cause.find("toml::");
  const size_t colon = cause.find(": ", function);
  if (function != std::string::npos && colon != std::string::npos) {
    cause = cause.substr(colon + 2);
  }
  return cause.empty() ? "not valid TOML" : cause;
}

std::optional<std::string> ScalarText(const toml::value& value) {
  std::ostringstream out;
  switch (value.type()) {
    case toml::value_t::string:
      return value.as_string().str;
    case toml::value_t::boolean:
      return value.as_boolean() ? "true" : "false";
    case toml::value_t::integer:
      return absl::StrCat(value.as_integer());
    case toml::value_t::floating:
      return absl::StrCat(value.as_floating());
    default:
      return std::nullopt;
  }
}

TomlEntry EntryOf(const std::string& key, const toml::value& value) {
  TomlEntry entry;
  entry.key = key;
  entry.line = static_cast<int>(value.location().line());
  if (value.is_array()) {
    entry.kind = TomlEntry::Kind::kList;
    for (const toml::value& element : value.as_array()) {
      const std::optional<std::string> text = ScalarText(element);
      if (!text) {
        entry.kind = TomlEntry::Kind::kOther;
        entry.values.clear();
        break;
      }
      entry.values.push_back(*text);
    }
  } else if (const auto text = ScalarText(value)) {
    entry.kind = value.is_boolean() ? TomlEntry::Kind::kBoolean
                                    : TomlEntry::Kind::kScalar;
    entry.values.push_back(*text);
  }
  return entry;
}

std::optional<TomlTable> TableAt(const toml::value& root,
                                 absl::Span<const std::string> table_path) {
  const toml::value* at = &root;
  for (const std::string& key : table_path) {
    if (!at->is_table() || !at->contains(key)) return std::nullopt;
    at = &at->as_table().at(key);
  }
  if (!at->is_table()) return std::nullopt;
  TomlTable table;
  for (const auto& [key, value] : at->as_table()) {
    table.push_back(EntryOf(key, value));
  }
  std::sort(table.begin(), table.end(),
            [](const TomlEntry& a, const TomlEntry& b) {
              return a.line != b.line ? a.line < b.line : a.key < b.key;
            });
  return table;
}

}  // namespace

absl::StatusOr<std::optional<TomlTable>> ReadTomlTable(
    absl::string_view text, absl::string_view path,
    absl::Span<const std::string> table_path) {
  if (text.size() > kLargestFile) {
    return Error(path, 1, "larger than 1 MiB", "is this the right file?");
  }
  if (!IsUtf8(text)) {
    return Error(path, 1, "not UTF-8", "save it as UTF-8");
  }
  if (const std::optional<int> line = LineNestedTooDeeply(text)) {
    return Error(path, *line, absl::StrCat("nested deeper than ", kDeepest),
                 "is this the right file?");
  }
  try {
    std::istringstream in{std::string(text)};
    return TableAt(toml::parse(in, std::string(path)), table_path);
  } catch (const toml::exception& error) {
    return Error(path, static_cast<int>(error.location().line()),
                 CauseOf(error), "see https://toml.io for the syntax");
  } catch (const std::exception& error) {
    return Error(path, 1, CauseOf(error), "see https://toml.io for the syntax");
  }
}

}  // namespace dist
