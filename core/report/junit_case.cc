#include "core/report/junit_case.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/report/junit.h"
#include "core/report/text.h"

namespace dist {
namespace {

std::string Open(absl::string_view nodeid, absl::string_view prefix,
                 uint64_t micros) {
  JunitName name = MangleNodeId(nodeid);
  if (!prefix.empty()) {
    const absl::string_view dot = name.classname.empty() ? "" : ".";
    name.classname = absl::StrCat(prefix, dot, name.classname);
  }
  return absl::StrFormat("<testcase classname=\"%s\" name=\"%s\" time=\"%.3f\"",
                         XmlAttribute(name.classname), XmlAttribute(name.name),
                         micros / 1e6);
}

std::string Property(absl::string_view name, absl::string_view value) {
  return absl::StrCat("<property name=\"", XmlAttribute(name), "\" value=\"",
                      XmlAttribute(value), "\" />");
}

// Each phase repeats the properties of those before it.
std::vector<std::pair<std::string, std::string>> UserProperties(
    const JunitDetails& details) {
  std::vector<std::pair<std::string, std::string>> longest;
  for (const PhaseReport& report : details.reports) {
    if (report.properties.size() > longest.size()) longest = report.properties;
  }
  return longest;
}

std::string Properties(const JunitCase& test) {
  std::string xml = "<properties>";
  if (!test.worker.empty()) {
    absl::StrAppend(&xml, Property("worker", test.worker));
  }
  if (!test.host.empty()) absl::StrAppend(&xml, Property("host", test.host));
  absl::StrAppend(&xml, Property("attempt", absl::StrCat(test.attempt)));
  if (test.details != nullptr) {
    if (test.details->flaky) absl::StrAppend(&xml, Property("flaky", "true"));
    for (const auto& [name, value] : UserProperties(*test.details)) {
      absl::StrAppend(&xml, Property(name, value));
    }
  }
  return absl::StrCat(xml, "</properties>");
}

// The report that the verdict is about; null if there is none.
const PhaseReport* Decisive(const JunitCase& test) {
  if (test.details == nullptr || test.details->reports.empty()) return nullptr;
  const auto& reports = test.details->reports;
  const auto found = std::find_if(
      reports.begin(), reports.end(),
      [&](const PhaseReport& r) { return r.verdict == test.verdict; });
  if (found != reports.end()) return &*found;
  const auto bad = std::find_if(
      reports.begin(), reports.end(),
      [](const PhaseReport& r) { return r.verdict != Verdict::kPassed; });
  return bad == reports.end() ? nullptr : &*bad;
}

std::string MessageOf(const PhaseReport& report) {
  return report.crash_message.empty() ? report.longrepr : report.crash_message;
}

std::string ErrorMessage(const PhaseReport& report) {
  return absl::StrCat("failed on ",
                      report.phase == Phase::kTeardown ? "teardown" : "setup",
                      " with \"", MessageOf(report), "\"");
}

// The texts of all reports that went wrong, the decisive one first.
std::string TextOf(const JunitCase& test, const PhaseReport* decisive) {
  if (decisive == nullptr) return "";
  std::string text = decisive->longrepr;
  for (const PhaseReport& report : test.details->reports) {
    if (&report == decisive || !IsBad(report.verdict)) continue;
    absl::StrAppend(&text, "\n\n", ErrorMessage(report), "\n", report.longrepr);
  }
  return text;
}

std::string Element(absl::string_view tag, absl::string_view type,
                    absl::string_view message, absl::string_view text) {
  const std::string type_is =
      type.empty() ? "" : absl::StrCat(" type=\"", type, "\"");
  const std::string head = absl::StrCat("<", tag, type_is, " message=\"",
                                        XmlAttribute(message), "\"");
  if (text.empty()) return absl::StrCat(head, " />");
  return absl::StrCat(head, ">", XmlText(text), "</", tag, ">");
}

// "crashed: SIGSEGV".
std::string OurMessage(Verdict verdict, const PhaseReport* report) {
  const absl::string_view word = Word(verdict);
  const absl::string_view said =
      report == nullptr ? "" : absl::string_view(report->crash_message);
  if (absl::StartsWith(said, word)) return std::string(said);
  if (!said.empty()) return absl::StrCat(word, ": ", said);
  if (verdict == Verdict::kLost) return "lost: no host was left to run it";
  return std::string(word);
}

// "path:line: reason". pytest's own text has "Skipped: " before the reason.
std::string SkipText(const PhaseReport& report, absl::string_view reason) {
  if (!report.longrepr.empty()) {
    const std::pair<std::string, std::string> halves =
        absl::StrSplit(report.longrepr, absl::MaxSplits(": Skipped: ", 1));
    if (halves.second.empty()) return report.longrepr;
    return absl::StrCat(halves.first, ": ", halves.second);
  }
  const bool known = !report.crash_path.empty();
  return absl::StrCat(known ? report.crash_path : report.file, ":",
                      known ? report.crash_line : report.line, ": ", reason);
}

std::string SkippedElement(const PhaseReport* report) {
  if (report == nullptr) return Element("skipped", "pytest.skip", "", "");
  absl::string_view reason = report->reason;
  absl::ConsumePrefix(&reason, "Skipped: ");
  return Element("skipped", "pytest.skip", reason, SkipText(*report, reason));
}

std::string XfailedElement(const PhaseReport* report) {
  absl::string_view reason;
  if (report != nullptr) reason = report->reason;
  absl::ConsumePrefix(&reason, "reason: ");
  return Element("skipped", "pytest.xfail", reason, "");
}

std::string OutcomeElement(const JunitCase& test) {
  const PhaseReport* report = Decisive(test);
  const std::string text = TextOf(test, report);
  switch (test.verdict) {
    case Verdict::kPassed:
    case Verdict::kXpassed:
      return "";
    case Verdict::kFailed:
      return Element("failure", "",
                     report == nullptr ? "failed" : MessageOf(*report), text);
    case Verdict::kError:
      return Element("error", "",
                     report == nullptr ? "error" : ErrorMessage(*report), text);
    case Verdict::kSkipped:
      return SkippedElement(report);
    case Verdict::kXfailed:
      return XfailedElement(report);
    case Verdict::kCrashed:
    case Verdict::kTimeout:
    case Verdict::kLost:
      return Element("error", absl::StrCat("dist.", Word(test.verdict)),
                     OurMessage(test.verdict, report), text);
  }
  return "";
}

}  // namespace

JunitName MangleNodeId(absl::string_view nodeid) {
  const size_t bracket = std::min(nodeid.find('['), nodeid.size());
  std::vector<std::string> names =
      absl::StrSplit(nodeid.substr(0, bracket), "::");
  if (names.empty()) names.emplace_back();  // Of a view of nothing.
  names[0] = absl::StrReplaceAll(names[0], {{"/", "."}});
  names[0] = std::string(absl::StripSuffix(names[0], ".py"));
  absl::StrAppend(&names.back(), nodeid.substr(bracket));
  JunitName mangled;
  mangled.name = names.back();
  names.pop_back();
  mangled.classname = absl::StrJoin(names, ".");
  return mangled;
}

JunitOutcome OutcomeOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPassed:
    case Verdict::kXpassed:
      return JunitOutcome::kPassed;
    case Verdict::kFailed:
      return JunitOutcome::kFailure;
    case Verdict::kSkipped:
    case Verdict::kXfailed:
      return JunitOutcome::kSkipped;
    case Verdict::kError:
    case Verdict::kCrashed:
    case Verdict::kTimeout:
    case Verdict::kLost:
      return JunitOutcome::kError;
  }
  return JunitOutcome::kError;
}

std::string JunitCaseXml(const JunitCase& test) {
  return absl::StrCat(Open(test.nodeid, test.prefix, test.micros), ">",
                      Properties(test), OutcomeElement(test), "</testcase>");
}

std::string JunitCollectorXml(const PhaseReport& report,
                              absl::string_view prefix) {
  const bool skipped = report.verdict == Verdict::kSkipped;
  return absl::StrCat(
      Open(report.nodeid, prefix, 0), ">",
      skipped ? Element("skipped", "", "collection skipped", report.longrepr)
              : Element("error", "", "collection failure", report.longrepr),
      "</testcase>");
}

std::string JunitInternalErrorXml(absl::string_view text) {
  return absl::StrCat(
      "<testcase classname=\"pytest\" name=\"internal\" time=\"0.000\">",
      Element("error", "", "internal error", text), "</testcase>");
}

}  // namespace dist
