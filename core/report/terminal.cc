#include "core/report/terminal.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/overload.h"
#include "core/report/bound.h"
#include "core/report/durations.h"
#include "core/report/failures.h"
#include "core/report/findings.h"
#include "core/report/header.h"
#include "core/report/live.h"
#include "core/report/page.h"
#include "core/report/progress.h"
#include "core/report/roster.h"
#include "core/report/streamed.h"
#include "core/report/summary.h"
#include "core/report/tally.h"
#include "core/report/text.h"
#include "core/report/warnings.h"

namespace dist {
namespace {

constexpr absl::Duration kLongRun = absl::Seconds(5);

class TerminalReporter : public Reporter {
 public:
  TerminalReporter(const ReportOptions& options, ReportSink& out,
                   ReportSink& live)
      : options_(options),
        live_sink_(live),
        live_(options_, live, roster_, tally_),
        page_(options_, out, [this] { live_.Erase(); }),
        header_(options_, page_),
        progress_(Progress::StyleFor(options_), options_, page_, roster_,
                  tally_),
        findings_(options_, roster_),
        warnings_(roster_),
        durations_(options_, roster_),
        streamed_(page_) {}

  void OnEvent(const RunEvent& event) override {
    std::visit([this](const auto& e) { On(e); }, event);
  }

  void OnTick(absl::Time now) override { live_.Draw(now); }

  void OnResize(size_t columns) override {
    page_.Resize(columns);
    live_.Resize(columns);
  }

 private:
  void On(const RunStarted& e) {
    started_at_ = e.at;
    bound_.On(e);
    roster_.On(e);
    header_.On(e);
    live_.On(e);
  }

  void On(const WorkerAnnounced& e) {
    roster_.On(e);
    header_.On(e);
  }

  void On(const CollectionGrew& e) {
    tally_.Grew(e.tests);
    header_.On(e);
    if (header_.IsSizeFinal()) header_.PrintSize();
  }

  void On(const CollectionsDiffer& e) {
    for (const std::string& line : e.lines) Notice(page_.Clean(line));
  }

  void On(const TestsListed& e) {
    header_.PrintSize();
    listed_ += e.ids.size();
    if (roster_.has_platforms()) {
      page_.Sep('-', roster_.PlatformName(roster_.PlatformIndex(e.platform)));
    }
    for (const std::string& id : e.ids) page_.Line(SanitizeLine(id));
  }

  void On(const CollectorFailed& e) {
    tally_.CollectorFailed(e.report.verdict);
    findings_.On(e);
  }

  void On(const TestStarted& e) {
    bound_.On(e);
    live_.On(e);
  }

  void On(const TestJudged& e) {
    header_.PrintSize();
    tally_.Judged(roster_.PlatformIndex(e.platform), e.verdict);
    live_.On(e);
    bound_.On(e);
    durations_.On(e);
    findings_.On(e);
    progress_.Judged(e);
  }

  void On(const TestTriedAgain& e) {
    header_.PrintSize();
    live_.On(e.attempt);
    bound_.On(e);
    findings_.On(e);
    progress_.TriedAgain(e);
  }

  void On(const VerdictAmended& e) {
    tally_.Amended(roster_.PlatformIndex(e.platform), e.before, e.after);
    findings_.On(e);
    progress_.Amended(e);
  }

  void On(const WarningShown& e) {
    tally_.Warned();
    if (options_.show_warnings) warnings_.On(e);
  }

  void On(const WorkerLost& e) {
    live_.On(e);
    const std::vector<std::string> parts =
        absl::StrSplit(e.text, absl::MaxSplits("\nhelp: ", 1));
    Notice(SanitizeLine(absl::StrCat(
        e.name.empty() ? "host " : absl::StrCat("[", e.name, "] "), e.host,
        e.host.empty() ? "" : ": ", parts[0], e.replaced ? "; replaced" : "")));
    if (parts.size() > 1) {
      Notice(absl::StrCat("help: ", SanitizeLine(parts[1])));
    }
  }

  void On(const NoticeGiven& e) {
    Notice(page_.Clean(e.text));
    if (!e.help.empty()) Notice(absl::StrCat("help: ", page_.Clean(e.help)));
  }

  void On(const InternalErrorShown& e) {
    for (absl::string_view line : absl::StrSplit(e.text, '\n')) {
      page_.Line(absl::StrCat("INTERNALERROR> [", SanitizeLine(e.worker), "] ",
                              page_.Clean(line)));
    }
  }

  void On(const LogEntryShown&) {}  // For --report-log only.

  void On(const TreesSynced& e) { bound_.On(e); }

  void On(const OutputShown& e) { streamed_.On(e); }

  void On(const RunStopping& e) {
    stopping_ = e.why;
    live_.On(e);
  }

  void On(const RunEnded& e) {
    streamed_.Flush();
    header_.PrintSize();
    live_.On(e);
    page_.EndLine();
    PrintSummary(e);
  }

  void PrintSummary(const RunEnded& e) {
    if (options_.verbosity >= 0 || options_.collect_only) page_.Line();
    FailureSections failures(options_.tb, page_, roster_);
    failures.PrintErrors(findings_);
    failures.PrintFailures(findings_);
    warnings_.Print(page_);
    failures.PrintPasses(findings_);
    durations_.Print(page_);
    PrintShortSummary(findings_, roster_, options_, page_);
    PrintPlatforms(tally_, roster_, page_);
    const std::string& stopped = e.stopped.empty() ? stopping_ : e.stopped;
    if (!stopped.empty()) {
      page_.Sep('!', SanitizeLine(stopped), Colour::kRed);
    }
    PrintEnd(e);
  }

  void PrintEnd(const RunEnded& e) {
    if (options_.verbosity < -1) return;  // As pytest under -qq.
    const absl::Duration duration =
        started_at_ ? e.at - *started_at_ : absl::ZeroDuration();
    if (options_.collect_only) {
      PrintCollectedLine(e, listed_, duration, options_, page_);
    } else {
      PrintBound(e, duration);
      PrintLastLine(e, tally_.warnings(), duration, options_, page_);
    }
  }

  // Short runs need no explanation.
  void PrintBound(const RunEnded& e, absl::Duration duration) {
    const bool wanted = options_.verbosity > 0 ||
                        (options_.verbosity == 0 && duration > kLongRun);
    const std::string line = wanted ? bound_.Line(e) : "";
    if (!line.empty()) page_.Line(line);
  }

  // A line that people should see at once, wherever stdout goes.
  void Notice(const std::string& text) {
    if (options_.verbosity < -1) return;
    page_.Line(text);
    if (options_.live && !options_.stdout_is_terminal) {
      live_.Erase();
      live_sink_.Write(
          absl::StrCat(options_.ci ? NeutralizeCi(text) : text, "\n"));
    }
  }

  const ReportOptions options_;
  ReportSink& live_sink_;
  std::optional<absl::Time> started_at_;
  std::string stopping_;
  size_t listed_ = 0;
  Roster roster_;
  Tally tally_;
  LiveBlock live_;
  Page page_;
  Header header_;
  Progress progress_;
  Findings findings_;
  Warnings warnings_;
  Durations durations_;
  Bound bound_;
  StreamedOutput streamed_;
};

}  // namespace

std::unique_ptr<Reporter> MakeTerminalReporter(const ReportOptions& options,
                                               ReportSink& out,
                                               ReportSink& live) {
  return std::make_unique<TerminalReporter>(options, out, live);
}

}  // namespace dist
