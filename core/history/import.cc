#include "core/history/import.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/history/import_junit.h"

namespace dist {
namespace {

using Json = nlohmann::json;

constexpr double kMostSeconds = 1e7;
// Nobody's report is nested deeper; nlohmann's values are freed recursively.
constexpr int kDeepest = 100;

std::optional<uint64_t> Micros(const Json& seconds) {
  if (!seconds.is_number()) return std::nullopt;
  const double value = seconds.get<double>();
  if (!(value >= 0 && value < kMostSeconds)) return std::nullopt;
  return static_cast<uint64_t>(std::llround(value * 1e6));
}

Json Parse(absl::string_view text) {
  const Json::parser_callback_t shallow =
      [](int depth, Json::parse_event_t, Json&) { return depth < kDeepest; };
  return Json::parse(text.begin(), text.end(), shallow,
                     /*allow_exceptions=*/false);
}

std::string TextOf(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) return "";
  return found->get<std::string>();
}

// {"id": seconds}; pytest-split once wrote [["id", seconds]].
absl::StatusOr<ImportedDurations> ImportSplit(const Json& json) {
  ImportedDurations imported;
  imported.format = "pytest-split";
  const auto add = [&](const std::string& id, const Json& seconds) {
    const std::optional<uint64_t> micros = Micros(seconds);
    if (micros) imported.tests.emplace_back(id, *micros);
  };
  if (json.is_object()) {
    for (const auto& [id, seconds] : json.items()) add(id, seconds);
  } else {
    for (const Json& pair : json) {
      if (pair.is_array() && pair.size() == 2 && pair[0].is_string()) {
        add(pair[0].get<std::string>(), pair[1]);
      }
    }
  }
  return imported;
}

// Sums the phases of each test's last try.
class ReportLog {
 public:
  void Add(const Json& line) {
    if (TextOf(line, "$report_type") != "TestReport") return;
    const std::string id = TextOf(line, "nodeid");
    const auto micros = Micros(line.value("duration", Json()));
    if (id.empty() || !micros) return;
    const auto [found, is_new] = places_.try_emplace(id, tests_.size());
    if (is_new) tests_.push_back({id});
    Test& test = tests_[found->second];
    if (TextOf(line, "when") == "setup") test = {id};
    test.micros += *micros;
    const bool skipped = TextOf(line, "outcome") == "skipped";
    if (TextOf(line, "when") == "call" || skipped) test.ran = true;
    // Ours: what died or was killed has no duration of its own.
    const std::string verdict = TextOf(line, "verdict");
    if (verdict == "crashed" || verdict == "timeout" || verdict == "lost") {
      test.died = true;
    }
  }

  ImportedDurations Take() const {
    ImportedDurations imported;
    imported.format = "report log";
    for (const Test& test : tests_) {
      if (test.ran && !test.died) {
        imported.tests.emplace_back(test.id, test.micros);
      }
    }
    return imported;
  }

 private:
  struct Test {
    std::string id;
    uint64_t micros = 0;
    bool ran = false;
    bool died = false;
  };
  std::vector<Test> tests_;
  absl::flat_hash_map<std::string, size_t> places_;
};

absl::StatusOr<ImportedDurations> ImportLines(absl::string_view text) {
  ReportLog log;
  size_t understood = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (absl::StripAsciiWhitespace(line).empty()) continue;
    const Json json = Parse(line);
    if (!json.is_object() || !json.contains("$report_type")) continue;
    ++understood;
    log.Add(json);
  }
  if (understood > 0) return log.Take();
  return absl::InvalidArgumentError(
      "is no JUnit XML, no .test_durations of pytest-split and no report log");
}

}  // namespace

absl::StatusOr<ImportedDurations> ImportDurations(
    absl::string_view text,
    const std::function<bool(const std::string&)>& is_file) {
  absl::string_view start = text;
  if (start.substr(0, 3) == "\xef\xbb\xbf") start.remove_prefix(3);
  start = absl::StripLeadingAsciiWhitespace(start);
  if (!start.empty() && start[0] == '<') return ImportJunit(text, is_file);
  const Json json = Parse(start);
  if (json.is_array() || (json.is_object() && !json.contains("$report_type"))) {
    return ImportSplit(json);
  }
  return ImportLines(start);
}

}  // namespace dist
