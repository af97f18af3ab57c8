#include "core/report/junit.h"

#include <deque>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/report/junit_case.h"
#include "core/report/text.h"

namespace dist {
namespace {

constexpr size_t kChunk = 64 * 1024;  // Bytes that go to the sink at once.
constexpr uint32_t kNoDetails = 0xffffffffu;

// A verdict, small: there may be a million of them.
struct Entry {
  const std::string* id = nullptr;
  uint64_t micros = 0;
  TestIndex test;
  uint32_t origin = 0;            // Index of a worker and host.
  uint32_t details = kNoDetails;  // Index.
  uint32_t attempt = 1;
  uint16_t platform = 0;
  Verdict verdict = Verdict::kPassed;
};
static_assert(sizeof(Entry) <= 40, "a passed test costs 40 bytes");

// What <testsuite> says of its testcases.
struct Suite {
  std::string cases;
  size_t tests = 0;
  size_t failures = 0;
  size_t errors = 0;
  size_t skipped = 0;

  void Count(JunitOutcome outcome) {
    ++tests;
    failures += outcome == JunitOutcome::kFailure;
    errors += outcome == JunitOutcome::kError;
    skipped += outcome == JunitOutcome::kSkipped;
  }
};

// A report without what JUnit does not show.
PhaseReport Lean(PhaseReport report) {
  report.block.clear();
  report.sections.clear();
  return report;
}

bool IsWorthKeeping(const PhaseReport& report) {
  return !report.rerun &&
         (report.verdict != Verdict::kPassed || !report.properties.empty());
}

class JunitReporter : public Reporter {
 public:
  JunitReporter(const ReportOptions& options, ReportSink& out)
      : hostname_(options.hostname), prefix_(options.junit_prefix), out_(out) {}

  void OnEvent(const RunEvent& event) override {
    std::visit([this](const auto& e) { On(e); }, event);
  }

 private:
  // The rest is for other reporters.
  template <class Event>
  void On(const Event&) {}

  void On(const RunStarted& e) {
    started_at_ = e.at;
    platforms_ = e.platforms;
    if (platforms_.empty()) platforms_.emplace_back();
    hosts_.assign(platforms_.size(), "");
  }

  void On(const WorkerAnnounced& e) {
    std::string& host = hosts_[IndexOf(e.platform)];
    if (host.empty() && e.host != "localhost") host = e.host;
  }

  void On(const CollectorFailed& e) {
    // Every worker that collects says it; once is enough.
    const uint16_t platform = IndexOf(e.platform);
    if (collectors_seen_.insert({platform, e.report.nodeid, e.report.longrepr})
            .second) {
      collectors_.emplace_back(platform, Lean(e.report));
    }
  }

  void On(const InternalErrorShown& e) { internal_errors_.push_back(e.text); }

  void On(const TestJudged& e) {
    Entry entry;
    entry.id = e.id;
    entry.micros = e.micros.total();
    entry.test = e.test;
    entry.origin = OriginOf(e.worker, e.host);
    entry.attempt = e.attempt;
    entry.platform = IndexOf(e.platform);
    entry.verdict = e.verdict;
    JunitDetails details;
    details.flaky = e.flaky;
    for (const PhaseReport& report : e.reports) {
      if (IsWorthKeeping(report)) details.reports.push_back(Lean(report));
    }
    if (details.flaky || !details.reports.empty()) {
      entry.details = details_.size();
      details_.push_back(std::move(details));
    }
    entries_.push_back(entry);
  }

  void On(const VerdictAmended& e) {
    amendments_[{e.test, IndexOf(e.platform)}].push_back(e);
  }

  void On(const RunEnded& e) {
    Amend();
    const absl::Duration time =
        started_at_ ? e.at - *started_at_ : absl::ZeroDuration();
    out_.Write("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<testsuites>");
    for (size_t i = 0; i < platforms_.size(); ++i) WriteSuite(i, time);
    out_.Write("</testsuites>\n");
  }

  uint16_t IndexOf(PlatformId platform) const {
    return platform.value() < platforms_.size() ? platform.value() : 0;
  }

  uint32_t OriginOf(const std::string& worker, const std::string& host) {
    if (last_origin_ < origins_.size() &&
        origins_[last_origin_].first == worker &&
        origins_[last_origin_].second == host) {
      return last_origin_;
    }
    const auto [found, is_new] =
        origin_index_.emplace(std::make_pair(worker, host), origins_.size());
    if (is_new) origins_.push_back(found->first);
    return last_origin_ = found->second;
  }

  // Applies what became known of tests after their verdicts.
  void Amend() {
    for (Entry& entry : entries_) {
      if (amendments_.empty()) return;
      const auto found = amendments_.find({entry.test, entry.platform});
      if (found == amendments_.end()) continue;
      for (const VerdictAmended& e : found->second) AmendEntry(e, &entry);
      amendments_.erase(found);
    }
  }

  void AmendEntry(const VerdictAmended& e, Entry* entry) {
    entry->verdict = e.after;
    if (entry->details == kNoDetails) {
      entry->details = details_.size();
      details_.emplace_back();
    }
    details_[entry->details].reports.push_back(Lean(e.report));
  }

  void WriteSuite(size_t platform, absl::Duration time) {
    Suite suite;
    for (const auto& [where, report] : collectors_) {
      if (where == platform) AddCollector(report, &suite);
    }
    for (const Entry& entry : entries_) {
      if (entry.platform == platform) suite.Count(OutcomeOf(entry.verdict));
    }
    if (platform == 0) {
      for (const std::string& text : internal_errors_) {
        suite.Count(JunitOutcome::kError);
        absl::StrAppend(&suite.cases, JunitInternalErrorXml(text));
      }
    }
    // The suite's numbers come first, so they are counted before anything is
    // made; then the testcases go out as they are made.
    out_.Write(SuiteHead(platform, suite, time));
    WriteCases(platform, std::move(suite.cases));
    out_.Write("</testsuite>");
  }

  void AddCollector(const PhaseReport& report, Suite* suite) {
    const bool skipped = report.verdict == Verdict::kSkipped;
    suite->Count(skipped ? JunitOutcome::kSkipped : JunitOutcome::kError);
    absl::StrAppend(&suite->cases, JunitCollectorXml(report, prefix_));
  }

  void WriteCases(size_t platform, std::string chunk) {
    for (const Entry& entry : entries_) {
      if (entry.platform != platform) continue;
      absl::StrAppend(&chunk, CaseXml(entry));
      if (chunk.size() < kChunk) continue;
      out_.Write(chunk);
      chunk.clear();
    }
    out_.Write(chunk);
  }

  std::string CaseXml(const Entry& entry) const {
    JunitCase test;
    if (entry.id != nullptr) test.nodeid = *entry.id;
    test.prefix = prefix_;
    test.verdict = entry.verdict;
    test.worker = origins_[entry.origin].first;
    test.host = origins_[entry.origin].second;
    test.attempt = entry.attempt;
    test.micros = entry.micros;
    if (entry.details != kNoDetails) test.details = &details_[entry.details];
    return JunitCaseXml(test);
  }

  std::string SuiteHead(size_t platform, const Suite& suite,
                        absl::Duration time) const {
    const std::string& label = platforms_[platform];
    const std::string name = platforms_.size() > 1
                                 ? absl::StrCat("pytest ", label)
                                 : std::string("pytest");
    const bool remote = platforms_.size() > 1 && !hosts_[platform].empty();
    return absl::StrFormat(
        "<testsuite name=\"%s\" errors=\"%d\" failures=\"%d\" skipped=\"%d\" "
        "tests=\"%d\" time=\"%.3f\" timestamp=\"%s\" hostname=\"%s\">",
        XmlAttribute(name), suite.errors, suite.failures, suite.skipped,
        suite.tests, absl::ToDoubleSeconds(time), Timestamp(),
        XmlAttribute(remote ? hosts_[platform] : hostname_));
  }

  std::string Timestamp() const {
    return absl::FormatTime("%Y-%m-%dT%H:%M:%E6S+00:00",
                            started_at_.value_or(absl::UnixEpoch()),
                            absl::UTCTimeZone());
  }

  const std::string hostname_;
  const std::string prefix_;
  ReportSink& out_;
  std::optional<absl::Time> started_at_;
  std::vector<std::string> platforms_ = {""};
  std::vector<std::string> hosts_ = {""};  // By platform.
  std::vector<Entry> entries_;
  std::deque<JunitDetails> details_;
  std::vector<std::pair<std::string, std::string>> origins_;
  absl::flat_hash_map<std::pair<std::string, std::string>, uint32_t>
      origin_index_;
  uint32_t last_origin_ = 0;
  absl::flat_hash_map<std::pair<TestIndex, uint16_t>,
                      std::vector<VerdictAmended>>
      amendments_;
  std::vector<std::pair<uint16_t, PhaseReport>> collectors_;
  std::set<std::tuple<uint16_t, std::string, std::string>> collectors_seen_;
  std::vector<std::string> internal_errors_;
};

}  // namespace

std::unique_ptr<Reporter> MakeJunitReporter(const ReportOptions& options,
                                            ReportSink& out, ReportSink&) {
  return std::make_unique<JunitReporter>(options, out);
}

}  // namespace dist
