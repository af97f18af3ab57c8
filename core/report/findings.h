// What a terminal report remembers of a run for its summary: what went wrong,
// and of the rest only what the options ask for.
#ifndef DIST_CORE_REPORT_FINDINGS_H_
#define DIST_CORE_REPORT_FINDINGS_H_

#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "core/model/run_event.h"
#include "core/report/reporter.h"
#include "core/report/roster.h"

namespace dist {

// The characters of -r as pytest resolves them: order kept, `a` and `A`
// spelled out, `N` starting anew, no warnings ('w') in it. "fE" if none given.
std::string ResolveReportChars(absl::string_view given);

// A report that is worth a section of its own.
struct Finding {
  PhaseReport report;
  PlatformId platform;
  std::string worker;
};

// A test that is worth a line.
struct Remark {
  std::string id;
  PlatformId platform;
  std::string text;
};

// A test that passed; `id` lives as long as the run.
struct PassedTest {
  TestIndex test;
  PlatformId platform;
  const std::string* id = nullptr;
};

// Skips of one place for one reason.
using SkipKey = std::tuple<std::string, uint32_t, std::string>;

class Findings {
 public:
  Findings(const ReportOptions& options, const Roster& roster);

  void On(const TestJudged& event);
  void On(const TestTriedAgain& event);
  void On(const VerdictAmended& event);
  void On(const CollectorFailed& event);

  const std::string& chars() const { return chars_; }
  const std::vector<Finding>& errors() const { return errors_; }
  const std::vector<Finding>& failures() const { return failures_; }
  const std::vector<Remark>& xfailed() const { return xfailed_; }
  const std::vector<Remark>& xpassed() const { return xpassed_; }
  const std::vector<Remark>& reruns() const { return reruns_; }
  const std::vector<std::pair<SkipKey, size_t>>& skips() const {
    return skips_;
  }
  // For -rP: reports of tests that passed and wrote something.
  const std::vector<Finding>& passes() const { return passes_; }
  // For -rp: without those whose verdict was amended.
  std::vector<PassedTest> Passed() const;

 private:
  bool Wants(char c) const { return chars_.find(c) != chars_.npos; }
  void KeepBad(const TestJudged& event);
  void KeepPassed(const TestJudged& event);
  void KeepSkip(const PhaseReport& report);
  void KeepExpected(const TestJudged& event);

  const std::string chars_;
  const Roster& roster_;
  std::vector<Finding> errors_;
  std::vector<Finding> failures_;
  std::vector<Finding> passes_;
  std::vector<Remark> xfailed_;
  std::vector<Remark> xpassed_;
  std::vector<Remark> reruns_;
  std::vector<PassedTest> passed_;
  absl::flat_hash_set<std::pair<TestIndex, PlatformId>> amended_;
  std::map<SkipKey, size_t> skip_places_;  // Index into skips_.
  std::vector<std::pair<SkipKey, size_t>> skips_;
  std::map<std::pair<PlatformId, std::string>, std::vector<std::string>>
      collectors_;  // What each said already.
};

// Whether `reports` has one that a bad or lost verdict can be explained by; if
// not, one is made of the verdict alone.
std::vector<PhaseReport> BadReports(const TestJudged& event);

}  // namespace dist

#endif  // DIST_CORE_REPORT_FINDINGS_H_
