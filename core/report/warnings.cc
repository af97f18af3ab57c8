#include "core/report/warnings.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/report/text.h"

namespace dist {
namespace {

// From here on pytest counts by file.
constexpr size_t kManyLocations = 10;

// "test_a.py:3: UserWarning: text", unless the message says so itself.
std::string MessageOf(const WarningReport& warning) {
  const std::string place =
      absl::StrCat(warning.filename, ":", warning.line, ": ");
  if (warning.filename.empty() || absl::StartsWith(warning.message, place)) {
    return warning.message;
  }
  const bool categorised = warning.category.empty();
  return absl::StrCat(place, warning.category, categorised ? "" : ": ",
                      warning.message);
}

}  // namespace

void Warnings::On(const WarningShown& event) {
  const WarningReport& warning = event.warning;
  std::string message = MessageOf(warning);
  const auto [found, is_new] = index_.emplace(message, groups_.size());
  if (is_new) {
    groups_.emplace_back();
    groups_.back().message = std::move(message);
  }
  Group& group = groups_[found->second];
  std::string location = warning.nodeid;
  if (location.empty() && !warning.filename.empty()) {
    location =
        absl::StrCat(roster_.Relative(warning.filename), ":", warning.line);
  }
  if (location.empty()) return;
  const std::string file = location.substr(0, location.find("::"));
  if (group.by_file[file]++ == 0) group.files.push_back(file);
  if (++group.count < kManyLocations) group.locations.push_back(location);
}

void Warnings::PrintLocations(const Group& group, Page& page) const {
  if (group.count < kManyLocations) {
    for (const std::string& location : group.locations) {
      page.Line(SanitizeLine(location));
    }
    return;
  }
  for (const std::string& file : group.files) {
    const size_t count = group.by_file.at(file);
    page.Line(absl::StrCat(SanitizeLine(file), ": ", count, " warning",
                           count == 1 ? "" : "s"));
  }
}

void Warnings::Print(Page& page) const {
  if (groups_.empty()) return;
  page.Sep('=', "warnings summary", Colour::kYellow);
  for (const Group& group : groups_) {
    PrintLocations(group, page);
    const std::string clean = page.Clean(group.message);
    const absl::string_view indent = group.count > 0 ? "  " : "";
    for (absl::string_view line :
         absl::StrSplit(absl::StripTrailingAsciiWhitespace(clean), '\n')) {
      page.Line(absl::StrCat(indent, line));
    }
    page.Line();
  }
  page.Line(
      "-- Docs: "
      "https://docs.pytest.org/en/stable/how-to/capture-warnings.html");
}

}  // namespace dist
