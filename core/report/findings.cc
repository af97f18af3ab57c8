#include "core/report/findings.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace dist {
namespace {

bool IsBadOrLost(Verdict verdict) {
  return IsBad(verdict) || verdict == Verdict::kLost;
}

// The verdict is the run's word; its report may have been made before it.
bool IsOurs(Verdict verdict) { return verdict >= Verdict::kCrashed; }

std::string IdOf(const std::string* id) { return id == nullptr ? "" : *id; }

const PhaseReport* FirstOf(const TestJudged& event) {
  const auto found =
      std::find_if(event.reports.begin(), event.reports.end(),
                   [&](const PhaseReport& report) {
                     return report.verdict == event.verdict && !report.rerun;
                   });
  return found == event.reports.end() ? nullptr : &*found;
}

std::string ReasonOf(const PhaseReport* report) {
  if (report == nullptr) return "";
  absl::string_view reason = report->reason;
  absl::ConsumePrefix(&reason, "Skipped: ");
  absl::ConsumePrefix(&reason, "reason: ");
  return std::string(reason);
}

}  // namespace

std::string ResolveReportChars(absl::string_view given) {
  std::string chars;
  for (char c : given.empty() ? absl::string_view("fE") : given) {
    if (c == 'F' || c == 'S') c = c == 'F' ? 'f' : 's';
    if (c == 'a') {
      chars = "sxXEf";
    } else if (c == 'A') {
      chars = "PpsxXEf";
    } else if (c == 'N') {
      chars.clear();
    } else if (c != 'w' && chars.find(c) == chars.npos) {
      chars.push_back(c);
    }
  }
  return chars;
}

std::vector<PhaseReport> BadReports(const TestJudged& event) {
  std::vector<PhaseReport> bad;
  for (const PhaseReport& report : event.reports) {
    if (IsBadOrLost(report.verdict) && !report.rerun) bad.push_back(report);
  }
  if (!bad.empty() || !IsBadOrLost(event.verdict)) return bad;
  PhaseReport made;
  made.nodeid = IdOf(event.id);
  made.verdict = event.verdict;
  made.phase = event.verdict == Verdict::kError ? Phase::kSetup : Phase::kCall;
  made.longrepr = event.verdict == Verdict::kLost
                      ? "no host was left to run it"
                      : std::string(Word(event.verdict));
  return {made};
}

Findings::Findings(const ReportOptions& options, const Roster& roster)
    : chars_(ResolveReportChars(options.report_chars)), roster_(roster) {}

void Findings::On(const TestJudged& event) {
  switch (event.verdict) {
    case Verdict::kPassed:
      return KeepPassed(event);
    case Verdict::kSkipped:
      if (const PhaseReport* report = FirstOf(event)) KeepSkip(*report);
      return;
    case Verdict::kXfailed:
    case Verdict::kXpassed:
      return KeepExpected(event);
    default:
      return KeepBad(event);
  }
}

void Findings::KeepBad(const TestJudged& event) {
  for (PhaseReport& report : BadReports(event)) {
    if (IsOurs(event.verdict)) report.verdict = event.verdict;
    if (report.nodeid.empty()) report.nodeid = IdOf(event.id);
    const bool error = report.verdict == Verdict::kError;
    (error ? errors_ : failures_)
        .push_back({std::move(report), event.platform, event.worker});
  }
}

void Findings::KeepPassed(const TestJudged& event) {
  if (Wants('p')) passed_.push_back({event.test, event.platform, event.id});
  if (!Wants('P')) return;
  for (const PhaseReport& report : event.reports) {
    if (report.sections.empty() || report.rerun) continue;
    passes_.push_back({report, event.platform, event.worker});
    if (report.nodeid.empty()) passes_.back().report.nodeid = IdOf(event.id);
  }
}

void Findings::KeepSkip(const PhaseReport& report) {
  if (!Wants('s')) return;
  const bool known = !report.crash_path.empty();
  const SkipKey key{roster_.Relative(known ? report.crash_path : report.file),
                    known ? report.crash_line : report.line, ReasonOf(&report)};
  const auto [place, is_new] = skip_places_.emplace(key, skips_.size());
  if (is_new) skips_.emplace_back(key, 0);
  ++skips_[place->second].second;
}

void Findings::KeepExpected(const TestJudged& event) {
  const bool xfailed = event.verdict == Verdict::kXfailed;
  if (!Wants(xfailed ? 'x' : 'X')) return;
  (xfailed ? xfailed_ : xpassed_)
      .push_back({IdOf(event.id), event.platform, ReasonOf(FirstOf(event))});
}

void Findings::On(const TestTriedAgain& event) {
  if (!Wants('R')) return;
  reruns_.push_back(
      {IdOf(event.attempt.id), event.attempt.platform, event.why});
}

void Findings::On(const VerdictAmended& event) {
  amended_.insert({event.test, event.platform});
  if (!IsBadOrLost(event.after)) return;
  Finding finding{event.report, event.platform, event.worker};
  if (finding.report.nodeid.empty()) finding.report.nodeid = IdOf(event.id);
  if (!IsBadOrLost(finding.report.verdict)) {
    finding.report.verdict = event.after;
  }
  const bool error = finding.report.verdict == Verdict::kError;
  (error ? errors_ : failures_).push_back(std::move(finding));
}

void Findings::On(const CollectorFailed& event) {
  // Every worker that collects says it; once is enough.
  std::vector<std::string>& said =
      collectors_[{event.platform, event.report.nodeid}];
  const std::string& text = event.report.longrepr;
  if (std::count(said.begin(), said.end(), text) > 0) return;
  said.push_back(text);
  if (event.report.verdict == Verdict::kSkipped) {
    return KeepSkip(event.report);
  }
  errors_.push_back({event.report, event.platform, event.worker});
  errors_.back().report.phase = Phase::kCollect;
  errors_.back().report.verdict = Verdict::kError;
}

std::vector<PassedTest> Findings::Passed() const {
  std::vector<PassedTest> passed;
  for (const PassedTest& test : passed_) {
    if (!amended_.contains({test.test, test.platform})) passed.push_back(test);
  }
  return passed;
}

}  // namespace dist
