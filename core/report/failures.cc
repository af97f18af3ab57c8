#include "core/report/failures.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "core/report/text.h"

namespace dist {
namespace {

std::string HeadLine(const PhaseReport& report) {
  if (report.phase == Phase::kCollect) {
    return absl::StrCat("ERROR collecting ", SanitizeLine(report.nodeid));
  }
  const std::string title = SanitizeLine(TitleOf(report.nodeid));
  if (report.verdict != Verdict::kError) return title;
  return absl::StrCat("ERROR at ", to_string(report.phase), " of ", title);
}

// "test_a.py:3: AssertionError", as --tb=line has it.
std::string CrashLine(const PhaseReport& report) {
  // The worker was told of --tb=line as well.
  if (!report.block.empty()) {
    return SanitizeLine(absl::StripSuffix(report.block, "\n"));
  }
  if (report.crash_path.empty()) {
    return SanitizeLine(absl::string_view(report.longrepr).substr(0, 50));
  }
  return SanitizeLine(absl::StrCat(report.crash_path, ":", report.crash_line,
                                   ": ", report.crash_message));
}

}  // namespace

std::string TitleOf(absl::string_view nodeid) {
  const size_t bracket = std::min(nodeid.find('['), nodeid.size());
  absl::string_view names = nodeid.substr(0, bracket);
  const size_t file_end = names.find("::");
  if (file_end == names.npos) return std::string(nodeid);
  names.remove_prefix(file_end + 2);
  return absl::StrCat(absl::StrReplaceAll(names, {{"::", "."}}),
                      nodeid.substr(bracket));
}

FailureSections::FailureSections(std::string tb, Page& page,
                                 const Roster& roster)
    : tb_(std::move(tb)), page_(page), roster_(roster) {}

void FailureSections::PrintErrors(const Findings& findings) {
  PrintSections("ERRORS", findings.errors());
}

void FailureSections::PrintFailures(const Findings& findings) {
  PrintSections("FAILURES", findings.failures());
}

void FailureSections::PrintSections(absl::string_view title,
                                    const std::vector<Finding>& findings) {
  if (tb_ == "no") return;
  for (size_t i = 0; i < roster_.platform_count(); ++i) {
    bool titled = false;
    for (const Finding& finding : findings) {
      if (roster_.PlatformIndex(finding.platform) != i) continue;
      if (!titled) {
        page_.Sep('=', absl::StrCat(title, roster_.OnPlatform(PlatformId(i))));
      }
      titled = true;
      PrintOne(finding);
    }
  }
}

void FailureSections::PrintOne(const Finding& finding) {
  const PhaseReport& report = finding.report;
  if (tb_ == "line") return page_.Line(CrashLine(report));
  page_.Sep('_', HeadLine(report), Colour::kBoldRed);
  const std::string worker = roster_.WorkerLine(finding.worker);
  if (!worker.empty()) page_.Line(worker);
  if (!report.block.empty()) return PrintText(report.block);
  PrintText(report.longrepr);
  PrintCaptured(report, "");
}

void FailureSections::PrintPasses(const Findings& findings) {
  if (tb_ == "no" || findings.passes().empty()) return;
  page_.Sep('=', "PASSES");
  for (const Finding& finding : findings.passes()) {
    const PhaseReport& report = finding.report;
    if (report.phase == Phase::kTeardown) {
      PrintCaptured(report, "teardown");  // It repeats the call's.
      continue;
    }
    page_.Sep('_', HeadLine(report), Colour::kBoldGreen);
    PrintCaptured(report, "");
  }
}

void FailureSections::PrintCaptured(const PhaseReport& report,
                                    absl::string_view only) {
  for (const auto& [name, content] : report.sections) {
    if (!absl::StrContains(name, only)) continue;
    page_.Sep('-', SanitizeLine(name));
    PrintText(content);
  }
}

void FailureSections::PrintText(absl::string_view text) {
  if (text.empty()) return;
  absl::ConsumeSuffix(&text, "\n");
  page_.Line(page_.Clean(text));
}

}  // namespace dist
