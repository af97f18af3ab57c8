#include "core/report/report_log.h"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "core/report/failures.h"
#include "core/report/findings.h"

namespace dist {
namespace {

using Json = nlohmann::ordered_json;

// Never throws: what is not UTF-8 becomes U+FFFD.
std::string Dump(const Json& json) {
  return json.dump(-1, ' ', true, Json::error_handler_t::replace);
}

// Only the run itself can say these; a framework never does.
bool IsOurs(Verdict verdict) {
  return verdict == Verdict::kCrashed || verdict == Verdict::kTimeout ||
         verdict == Verdict::kLost;
}

class ReportLogReporter : public Reporter {
 public:
  explicit ReportLogReporter(ReportSink& out) : out_(out) {}

  void OnEvent(const RunEvent& event) override {
    std::visit([this](const auto& e) { On(e); }, event);
  }

 private:
  // The rest is in the frameworks' own entries.
  template <class Event>
  void On(const Event&) {}

  void On(const WorkerAnnounced& e) { Start(e.facts.framework); }

  void On(const LogEntryShown& e) {
    Start("");
    absl::string_view json = absl::StripAsciiWhitespace(e.json);
    if (!absl::StartsWith(json, "{") ||
        !nlohmann::json::accept(json.begin(), json.end())) {
      Write(WithOrigin({{"$report_type", "Unreadable"}, {"text", e.json}}, e));
      return;
    }
    // Line ends in valid JSON are only ever between values. To read what was
    // just found valid, only to write it again, would cost ten times as much.
    const std::string line =
        absl::StrReplaceAll(json, {{"\n", " "}, {"\r", " "}});
    const std::string ours = Dump(WithOrigin(Json::object(), e));
    const absl::string_view head = absl::StripSuffix(line, "}");
    const bool empty = absl::StripAsciiWhitespace(head) == "{";
    WriteLine(absl::StrCat(head, empty ? "" : ", ",
                           absl::string_view(ours).substr(1)));
  }

  void On(const TestJudged& e) { WriteOurs(e, e.verdict, "failed"); }
  void On(const TestTriedAgain& e) {
    WriteOurs(e.attempt, e.attempt.verdict, "rerun");
  }

  void On(const RunEnded& e) {
    Start("");
    Write({{"exitstatus", static_cast<int>(e.status)},
           {"$report_type", "SessionFinish"}});
  }

  void Start(absl::string_view framework) {
    if (std::exchange(started_, true)) return;
    absl::ConsumePrefix(&framework, "pytest-");
    Write({{"pytest_version", std::string(framework)},
           {"$report_type", "SessionStart"}});
  }

  void WriteOurs(const TestJudged& e, Verdict verdict,
                 absl::string_view outcome) {
    if (!IsOurs(verdict)) return;
    Start("");
    const PhaseReport report = BadReports(e).front();
    const std::string id = e.id == nullptr ? report.nodeid : *e.id;
    const double seconds = e.micros.total() / 1e6;
    const Json line = report.line > 0 ? Json(report.line - 1) : Json(nullptr);
    Json json = {{"nodeid", id},
                 {"location", {report.file, line, TitleOf(id)}},
                 {"keywords", Json::object()},
                 {"outcome", std::string(outcome)},
                 {"longrepr", report.longrepr},
                 {"when", "call"},
                 {"user_properties", Json::array()},
                 {"sections", report.sections},
                 {"duration", seconds},
                 {"verdict", std::string(Word(verdict))},
                 {"$report_type", "TestReport"}};
    Write(WithOrigin(std::move(json), e));
  }

  template <class Event>
  static Json WithOrigin(Json json, const Event& e) {
    json["worker"] = e.worker;
    json["host"] = e.host;
    json["attempt"] = e.attempt;
    return json;
  }

  void Write(const Json& json) { WriteLine(Dump(json)); }
  void WriteLine(absl::string_view line) {
    out_.Write(absl::StrCat(line, "\n"));
  }

  ReportSink& out_;
  bool started_ = false;
};

}  // namespace

std::unique_ptr<Reporter> MakeReportLogReporter(const ReportOptions&,
                                                ReportSink& out, ReportSink&) {
  return std::make_unique<ReportLogReporter>(out);
}

}  // namespace dist
