// What the tests of reporters share: sinks that remember, events in few words.
#ifndef DIST_TESTS_CORE_REPORT_REPORT_TESTING_H_
#define DIST_TESTS_CORE_REPORT_REPORT_TESTING_H_

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/report/reporter.h"

namespace dist {

class StringSink : public ReportSink {
 public:
  void Write(absl::string_view bytes) override {
    text.append(bytes.data(), bytes.size());
    ++writes;
  }
  std::string text;
  size_t writes = 0;
};

// A reporter of the table and what it wrote.
struct Bench {
  explicit Bench(absl::string_view name, const ReportOptions& options = {}) {
    for (const ReporterEntry& entry : Reporters()) {
      if (entry.name == name) reporter = entry.make(options, out, live);
    }
  }
  template <class... Events>
  Bench& Tell(const Events&... events) {
    (reporter->OnEvent(events), ...);
    return *this;
  }
  StringSink out;
  StringSink live;
  std::unique_ptr<Reporter> reporter;
};

inline absl::Time At(double seconds) {
  return absl::FromUnixSeconds(1700000000) + absl::Seconds(seconds);
}

inline RunStarted Started(std::vector<std::string> workers = {"gw0", "gw1"},
                          std::vector<std::string> platforms = {""}) {
  RunStarted event;
  event.at = At(0);
  event.mode = platforms.size() > 1 ? "each" : "load";
  event.rootdir = "/src/proj";
  event.inifile = "pytest.ini";
  event.workers = std::move(workers);
  event.platforms = std::move(platforms);
  return event;
}

inline WorkerAnnounced Announced(uint32_t number,
                                 const std::string& host = "localhost",
                                 uint32_t platform = 0) {
  WorkerAnnounced event;
  event.worker = WorkerId(number);
  event.name = "gw" + std::to_string(number);
  event.host = host;
  event.platform = PlatformId(platform);
  event.facts.executable = "/usr/bin/python3";
  event.facts.language = "Python 3.11.2";
  event.facts.framework = "pytest-7.2.1";
  event.facts.platform = "linux";
  event.facts.rootdir = "/src/proj";
  event.facts.plugins = {"cov-4.0.0", "xdist-3.1.0"};
  return event;
}

inline CollectionGrew Grew(size_t tests, size_t workers = 2,
                           size_t deselected = 0) {
  CollectionGrew event;
  event.tests = tests;
  event.collected_workers = workers;
  event.deselected = deselected;
  return event;
}

// Ids that live as long as the process.
inline const std::string* Intern(std::string id) {
  static auto* const ids = new std::deque<std::string>;
  ids->push_back(std::move(id));
  return &ids->back();
}

inline TestJudged Judged(uint32_t test, const std::string& id, Verdict verdict,
                         std::vector<PhaseReport> reports = {}) {
  TestJudged event;
  event.test = TestIndex(test);
  event.platform = PlatformId(0);
  event.id = Intern(id);
  event.verdict = verdict;
  event.worker = verdict == Verdict::kLost ? "" : "gw0";
  event.host = verdict == Verdict::kLost ? "" : "localhost";
  event.micros = {1000, 2000, 500};
  event.reports = std::move(reports);
  event.at = At(1);
  return event;
}

inline PhaseReport Report(const std::string& id, Verdict verdict,
                          Phase phase = Phase::kCall) {
  PhaseReport report;
  report.nodeid = id;
  report.verdict = verdict;
  report.phase = phase;
  return report;
}

inline PhaseReport Failure(const std::string& id, const std::string& message,
                           Verdict verdict = Verdict::kFailed,
                           Phase phase = Phase::kCall) {
  PhaseReport report = Report(id, verdict, phase);
  report.crash_path = "/src/proj/test_a.py";
  report.crash_line = 5;
  report.crash_message = message;
  report.longrepr = "longrepr of " + message;
  report.block = "\n>   block of " + message + "\n";
  return report;
}

inline RunEnded Ended(double at = 3.21) {
  RunEnded event;
  event.at = At(at);
  return event;
}

inline RunEnded Ended(std::vector<std::pair<Verdict, size_t>> counts,
                      double at = 3.21) {
  RunEnded event = Ended(at);
  for (const auto& [verdict, count] : counts) {
    event.counts[static_cast<size_t>(verdict)] = count;
  }
  return event;
}

}  // namespace dist

#endif  // DIST_TESTS_CORE_REPORT_REPORT_TESTING_H_
