#include "core/model/local_paths.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace dist {
namespace {

// May be next to a path without being the end of it.
bool IsNameChar(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' ||
         c == '-' || c == '.' || static_cast<unsigned char>(c) >= 0x80;
}

// A line that explains a value: "E" alone or before a space, behind colours.
bool Explains(absl::string_view line) {
  while (line.substr(0, 2) == "\x1b[") {
    const size_t end = line.find('m');
    if (end == absl::string_view::npos) break;
    line.remove_prefix(end + 1);
  }
  return !line.empty() && line[0] == 'E' &&
         (line.size() == 1 || !IsNameChar(line[1]));
}

void ReplaceIn(absl::string_view line, const std::string& there,
               const std::string& here, std::string* out) {
  while (true) {
    const size_t at = line.find(there);
    if (at == absl::string_view::npos) break;
    const size_t end = at + there.size();
    const bool begins = at == 0 ||
                        !(IsNameChar(line[at - 1]) || line[at - 1] == '/') ||
                        line[at - 1] == 'm';  // The end of a colour.
    const bool ends = end == line.size() || !IsNameChar(line[end]);
    out->append(line.data(), at);
    out->append(begins && ends ? here : there);
    line.remove_prefix(end);
  }
  out->append(line.data(), line.size());
}

}  // namespace

void LocalPaths::Add(std::string there, std::string here) {
  if (there != here) folders_.emplace_back(std::move(there), std::move(here));
}

std::string LocalPaths::InText(const std::string& text) const {
  std::string result = text;
  for (const auto& [there, here] : folders_) {
    if (result.find(there) == std::string::npos) continue;
    std::string changed;
    absl::string_view rest = result;
    while (!rest.empty()) {
      const size_t size = std::min(rest.find('\n'), rest.size() - 1) + 1;
      const absl::string_view line = rest.substr(0, size);
      if (Explains(line)) {
        changed.append(line.data(), line.size());
      } else {
        ReplaceIn(line, there, here, &changed);
      }
      rest.remove_prefix(size);
    }
    result = std::move(changed);
  }
  return result;
}

void LocalPaths::Rewrite(PhaseReport* report) const {
  Rewrite(&report->longrepr);
  Rewrite(&report->crash_path);
  Rewrite(&report->file);
  // Captured output is behind the failure, below a title.
  const size_t captured = report->block.find(" Captured ");
  std::string failure = report->block.substr(0, captured);
  Rewrite(&failure);
  if (captured != std::string::npos) failure += report->block.substr(captured);
  report->block = std::move(failure);
}

bool LocalPaths::Concerns(const NodeEvent& event) {
  if (const auto* const tests = std::get_if<TestsReported>(&event)) {
    return std::any_of(
        tests->steps.begin(), tests->steps.end(),
        [](const TestStep& step) { return !step.report.empty(); });
  }
  return std::holds_alternative<WorkerConfigured>(event) ||
         std::holds_alternative<WorkerRefused>(event) ||
         std::holds_alternative<CollectorReported>(event) ||
         std::holds_alternative<WarningRaised>(event) ||
         std::holds_alternative<InternalErrorRaised>(event);
}

void LocalPaths::Apply(NodeEvent* event) const {
  if (auto* const configured = std::get_if<WorkerConfigured>(event)) {
    Rewrite(&configured->rootdir);
    Rewrite(&configured->inifile);
    for (std::string& line : configured->header) Rewrite(&line);
  } else if (auto* const refused = std::get_if<WorkerRefused>(event)) {
    Rewrite(&refused->text);
  } else if (auto* const collector = std::get_if<CollectorReported>(event)) {
    Rewrite(&collector->report);
  } else if (auto* const tests = std::get_if<TestsReported>(event)) {
    for (TestStep& step : tests->steps) {
      for (PhaseReport& report : step.report) Rewrite(&report);
    }
  } else if (auto* const warned = std::get_if<WarningRaised>(event)) {
    Rewrite(&warned->warning.message);
    Rewrite(&warned->warning.filename);
  } else if (auto* const broken = std::get_if<InternalErrorRaised>(event)) {
    Rewrite(&broken->text);
  }
}

std::vector<std::string> ArgsThere(std::vector<std::string> args,
                                   const std::string& here,
                                   const std::string& there) {
  if (here == "/") return args;
  LocalPaths paths;
  paths.Add(here, there);
  constexpr absl::string_view kKept = "--basetemp";
  for (size_t i = 0; i < args.size(); ++i) {
    const bool kept = absl::StartsWith(args[i], kKept) ||
                      (i > 0 && args[i - 1] == kKept) ||
                      absl::StrContains(args[i], "::");
    if (!kept) args[i] = paths.InText(args[i]);
  }
  return args;
}

}  // namespace dist
