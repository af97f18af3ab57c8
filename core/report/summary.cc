#include "core/report/summary.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/report/text.h"

namespace dist {
namespace {

// The lines of the short summary, one method a character of -r.
class ShortSummary {
 public:
  ShortSummary(const Findings& findings, const Roster& roster,
               const ReportOptions& options, const Page& page)
      : findings_(findings), roster_(roster), options_(options), page_(page) {}

  std::vector<std::string> Lines() {
    for (const char c : findings_.chars()) Add(c);
    return std::move(lines_);
  }

 private:
  void Add(char c) {
    switch (c) {
      case 'f':
        return AddFindings(findings_.failures());
      case 'E':
        return AddFindings(findings_.errors());
      case 's':
        return AddSkips();
      case 'x':
        return AddRemarks("XFAIL", findings_.xfailed(), " - ");
      case 'X':
        return AddRemarks("XPASS", findings_.xpassed(), " ");
      case 'R':
        return AddRemarks("RERUN", findings_.reruns(), " - ");
      case 'p':
        return AddPassed();
      default:
        return;  // 'P' has its section.
    }
  }

  // "FAILED path::test", the test's own part in bold as pytest has it.
  std::string Head(absl::string_view word, absl::string_view colour,
                   absl::string_view nodeid, PlatformId platform) const {
    const std::string id = SanitizeLine(nodeid);
    const size_t colons = id.find("::");
    const size_t path = colons == id.npos ? id.size() : colons + 2;
    const absl::string_view name = absl::string_view(id).substr(path);
    return absl::StrCat(page_.Paint(word, colour), " ", id.substr(0, path),
                        name.empty() ? "" : page_.Paint(name, Colour::kBold),
                        roster_.OnPlatform(platform));
  }

  void AddFindings(const std::vector<Finding>& findings) {
    for (const Finding& finding : findings) {
      const PhaseReport& report = finding.report;
      const std::string line =
          Head(absl::AsciiStrToUpper(Word(report.verdict)), Colour::kRed,
               report.nodeid, finding.platform);
      lines_.push_back(absl::StrCat(line, Message(report, line)));
    }
  }

  // " - AssertionError: assert 1 == 2", as much of it as fits after `line`.
  // CI systems show lines of any length, so there all of it, as pytest does.
  std::string Message(const PhaseReport& report, absl::string_view line) const {
    absl::string_view message = report.crash_message;
    message = message.substr(0, message.find('\n'));
    if (message.empty()) return "";
    const std::string text = SanitizeLine(message);
    if (options_.ci) return absl::StrCat(" - ", text);
    const size_t used = DisplayWidth(line) + 3;
    if (used + 3 > page_.width()) return "";
    return absl::StrCat(" - ", Ellipsize(text, page_.width() - used));
  }

  void AddSkips() {
    for (const auto& [key, count] : findings_.skips()) {
      const auto& [path, line, reason] = key;
      const std::string at = line > 0 ? absl::StrCat(":", line) : "";
      lines_.push_back(absl::StrCat(page_.Paint("SKIPPED", Colour::kYellow),
                                    " [", count, "] ", SanitizeLine(path), at,
                                    ": ", SanitizeLine(reason)));
    }
  }

  void AddRemarks(absl::string_view word, const std::vector<Remark>& remarks,
                  absl::string_view between) {
    for (const Remark& remark : remarks) {
      std::string line =
          Head(word, Colour::kYellow, remark.id, remark.platform);
      if (!remark.text.empty()) {
        absl::StrAppend(&line, between, SanitizeLine(remark.text));
      }
      lines_.push_back(std::move(line));
    }
  }

  void AddPassed() {
    for (const PassedTest& test : findings_.Passed()) {
      const std::string id = test.id == nullptr ? "" : *test.id;
      lines_.push_back(Head("PASSED", Colour::kGreen, id, test.platform));
    }
  }

  const Findings& findings_;
  const Roster& roster_;
  const ReportOptions& options_;
  const Page& page_;
  std::vector<std::string> lines_;
};

}  // namespace

void PrintShortSummary(const Findings& findings, const Roster& roster,
                       const ReportOptions& options, Page& page) {
  const std::vector<std::string> lines =
      ShortSummary(findings, roster, options, page).Lines();
  if (lines.empty()) return;
  page.Sep('=', "short test summary info", Colour::kBoldCyan);
  for (const std::string& line : lines) page.Line(line);
}

void PrintPlatforms(const Tally& tally, const Roster& roster, Page& page) {
  if (!roster.has_platforms()) return;
  size_t widest = 0;
  for (size_t i = 0; i < roster.platform_count(); ++i) {
    widest = std::max(widest, DisplayWidth(roster.PlatformName(i)));
  }
  page.Sep('=', "platforms");
  for (size_t i = 0; i < roster.platform_count(); ++i) {
    const std::string& name = roster.PlatformName(i);
    std::string line =
        absl::StrCat(name, std::string(widest - DisplayWidth(name) + 2, ' '));
    absl::string_view comma = "";
    for (const CountWord& word : CountWords(tally.of_platform(i))) {
      absl::StrAppend(&line, comma, page.Paint(word.text, word.colour));
      comma = ", ";
    }
    if (comma.empty()) absl::StrAppend(&line, "no tests ran");
    page.Line(line);
  }
}

}  // namespace dist
