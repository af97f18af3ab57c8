// The program: a coordinator for the user, a node for another coordinator.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "actors/coordinator.h"
#include "actors/doctor.h"
#include "cli/arrivals.h"
#include "cli/doctor_verb.h"
#include "cli/history.h"
#include "cli/history_verb.h"
#include "cli/last_failed.h"
#include "cli/node_verb.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/plan.h"
#include "cli/plan_verb.h"
#include "cli/serve_verb.h"
#include "cli/served_verb.h"
#include "cli/signal_watch.h"
#include "cli/sync_plan.h"
#include "core/base/text.h"
#include "core/model/version.h"
#include "core/report/reporter.h"
#include "transports/host_facts.h"

namespace dist {
namespace {

int Fail(absl::string_view text, ExitStatus status) {
  std::cerr << "dist: " << text
            << (text.empty() || text.back() != '\n' ? "\n" : "");
  return static_cast<int>(status);
}

size_t Columns() {
  if (const char* columns = getenv("COLUMNS")) {
    const int n = atoi(columns);
    if (n > 0) return n;
  }
  winsize size = {};
  for (const int fd : {1, 2}) {
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
      return size.ws_col;
    }
  }
  return 80;
}

bool Wants(const char* variable) {
  const char* value = getenv(variable);
  return value != nullptr && *value != '\0' && strcmp(value, "0") != 0;
}

bool UseColor(Color color) {
  if (color != Color::kAuto) return color == Color::kYes;
  const char* no_color = getenv("NO_COLOR");
  if (no_color != nullptr && *no_color != '\0') return false;
  if (Wants("CLICOLOR_FORCE") || Wants("FORCE_COLOR")) return true;
  const char* term = getenv("TERM");
  return isatty(1) && term != nullptr && strcmp(term, "dumb") != 0;
}

ReportOptions ReportOptionsOf(const Options& options, const Screen& screen) {
  ReportOptions report;
  report.color = screen.color;
  report.columns = screen.columns;
  const char* term = getenv("TERM");
  report.live = isatty(2) && term != nullptr && strcmp(term, "dumb") != 0 &&
                options.verbosity >= 0 && !Wants("CI");
  report.stdout_is_terminal = isatty(1);
  report.ci = Wants("CI");
  report.verbosity = options.verbosity;
  report.report_chars = options.report_chars;
  report.durations = options.durations.value_or(-1);
  report.durations_min = options.durations_min;
  report.collect_only = options.collect_only;
  report.version = kVersion;
  report.hostname = HostName();
  report.junit_prefix = options.junit_prefix;
  const std::vector<std::string>& args = options.framework_args;
  for (size_t i = 0; i < args.size(); ++i) {
    if (args[i] == "--tb" && i + 1 < args.size()) report.tb = args[i + 1];
    if (args[i].compare(0, 5, "--tb=") == 0) report.tb = args[i].substr(5);
    if (args[i] == "--disable-warnings" ||
        args[i] == "--disable-pytest-warnings") {
      report.show_warnings = false;
    }
  }
  return report;
}

// Tells the terminal reporter when the terminal has another width. A poll
// instead of SIGWINCH: the display is redrawn on the same tick anyway.
class WidthWatch : public Reporter {
 public:
  WidthWatch(Reporter* terminal, size_t columns)
      : terminal_(terminal), columns_(columns) {}

  void OnEvent(const RunEvent&) override {}
  void OnTick(absl::Time) override {
    const size_t columns = Columns();
    if (columns == columns_) return;
    columns_ = columns;
    terminal_->OnResize(columns);
  }

 private:
  Reporter* const terminal_;
  size_t columns_;
};

const ReporterEntry& FindReporter(absl::string_view name) {
  for (const ReporterEntry& entry : Reporters()) {
    if (entry.name == name) return entry;
  }
  abort();
}

// The reporters of a run with their files.
class Reports {
 public:
  // Opens every file, so that one that cannot be written is found now.
  absl::Status Open(const Request& request, const std::string& history,
                    const Screen& screen) {
    const Options& options = request.options;
    const ReportOptions report = ReportOptionsOf(options, screen);
    reporters_.push_back(
        FindReporter("terminal").make(report, stdout_, stderr_));
    reporters_.push_back(
        std::make_unique<WidthWatch>(reporters_.back().get(), screen.columns));
    for (const auto& [name, path] :
         {std::make_pair("junit", options.junit_xml),
          std::make_pair("report-log", options.report_log)}) {
      if (path.empty()) continue;
      auto file = ReportFile::Create(path);
      if (!file.ok()) return file.status();
      reporters_.push_back(FindReporter(name).make(report, **file, stderr_));
      files_.push_back(*std::move(file));
    }
    if (!options.collect_only) {
      reporters_.push_back(std::make_unique<LastFailedRecorder>(
          request.rootdir, ReadLastFailed(request.rootdir)));
    }
    if (!options.collect_only && !history.empty()) {
      auto recorder = std::make_unique<HistoryRecorder>(history);
      history_ = recorder.get();
      reporters_.push_back(std::move(recorder));
    }
    return absl::OkStatus();
  }

  std::vector<Reporter*> all() const {
    std::vector<Reporter*> all;
    for (const auto& reporter : reporters_) all.push_back(reporter.get());
    return all;
  }

  // Whether durations could be recorded; no failure of the run.
  absl::Status history_status() const {
    return history_ == nullptr ? absl::OkStatus() : history_->status();
  }

  // Everything is out, or an error says what is not.
  absl::Status Close() {
    absl::Status status = stdout_.Flush();
    if (!status.ok()) {
      status = absl::DataLossError(
          absl::StrCat("stdout could not be written: ", status.message()));
      // A reader that has seen enough (head) is no loss if there is a report.
      if (!files_.empty()) status = absl::OkStatus();
    }
    for (const auto& file : files_) {
      const absl::Status committed = file->Commit();
      if (status.ok()) status = committed;
    }
    stderr_.Flush().IgnoreError();
    return status;
  }

 private:
  WriterThread writer_;
  FdSink stdout_{&writer_, 1, Backlog::kKeep};
  FdSink stderr_{&writer_, 2, Backlog::kDrop};
  std::vector<std::unique_ptr<ReportFile>> files_;
  std::vector<std::unique_ptr<Reporter>> reporters_;
  HistoryRecorder* history_ = nullptr;  // One of them.
};

Coordinator::Setup SetupOf(PlannedRun planned,
                           std::vector<Reporter*> reporters) {
  Coordinator::Setup setup;
  setup.plan = std::move(planned.plan);
  setup.addresses = std::move(planned.addresses);
  setup.sync = std::move(planned.sync);
  setup.fetch = std::move(planned.fetch);
  setup.reporters = std::move(reporters);
  setup.tick = isatty(2) ? absl::Milliseconds(60) : absl::Seconds(1);
  return setup;
}

int PrintText(const std::string& text) {
  std::cout << text;
  return std::cout.flush() ? 0 : static_cast<int>(ExitStatus::kReportFailed);
}

// Hosts that were to come were waited for in vain.
int NobodyCame(const absl::Status& why, SignalWatch* signals) {
  if (!absl::IsCancelled(why)) return Fail(why.message(), ExitStatus::kUsage);
  Fail("interrupted while it waited for hosts", ExitStatus::kInterrupted);
  signals->Reraise();
  return static_cast<int>(ExitStatus::kInterrupted);
}

int RunTests(const std::vector<std::string>& args) {
  absl::StatusOr<Request> request = ReadRequest(args);
  if (!request.ok())
    return Fail(request.status().message(), ExitStatus::kUsage);
  if (request->options.help || request->options.version) {
    return PrintText(request->options.help ? HelpText() : VersionText());
  }
  const Screen screen{UseColor(request->options.color), Columns()};
  absl::StatusOr<PlannedRun> planned = MakePlan(*request, args, screen);
  if (!planned.ok())
    return Fail(planned.status().message(), ExitStatus::kUsage);

  SignalWatch signals;
  Reports reports;
  const absl::Status opened = reports.Open(*request, planned->history, screen);
  if (!opened.ok()) return Fail(opened.message(), ExitStatus::kUsage);
  const auto arrivals = AwaitArrivals(planned->addresses, &signals);
  if (!arrivals.ok()) return NobodyCame(arrivals.status(), &signals);
  if (arrivals->reception != nullptr) {
    // Files may have changed while it waited.
    planned = MakePlan(*request, args, screen, *arrivals);
    if (!planned.ok()) {
      return Fail(planned.status().message(), ExitStatus::kUsage);
    }
  }
  for (const std::string& notice : planned->notices) {
    std::cerr << "dist: " << notice << "\n";
  }
  Coordinator coordinator(SetupOf(*std::move(planned), reports.all()));
  signals.Start([&](const std::string& why) { coordinator.RequestStop(why); });
  const EndRun end = coordinator.Wait();
  const absl::Status closed = reports.Close();
  signals.Reraise();
  if (!reports.history_status().ok() && request->options.verbosity > 0) {
    std::cerr << "dist: durations were not recorded: "
              << reports.history_status().message() << "\n";
  }
  if (!closed.ok()) {
    Fail(closed.message(), ExitStatus::kReportFailed);
    if (end.status == ExitStatus::kOk) {
      return static_cast<int>(ExitStatus::kReportFailed);
    }
  }
  return end.framework_status != 0 ? end.framework_status
                                   : static_cast<int>(end.status);
}

// `dist plan`: collects as a run does, then predicts instead of running.
int PredictTests(const std::vector<std::string>& args) {
  const Screen screen{false, Columns()};
  absl::StatusOr<PlanQuestion> question = ReadPlanQuestion(args, screen);
  if (!question.ok()) {
    return Fail(question.status().message(), ExitStatus::kUsage);
  }
  if (question->help) return PrintText(HelpText());
  SignalWatch signals;
  const auto arrivals = AwaitArrivals(question->collecting.addresses, &signals);
  if (!arrivals.ok()) return NobodyCame(arrivals.status(), &signals);
  if (arrivals->reception != nullptr) {
    question = ReadPlanQuestion(args, screen, *arrivals);
    if (!question.ok()) {
      return Fail(question.status().message(), ExitStatus::kUsage);
    }
  }
  for (const std::string& notice : question->notices) {
    std::cerr << "dist: " << notice << "\n";
  }
  TestLister lister;
  Coordinator coordinator(SetupOf(question->collecting, {&lister}));
  signals.Start([&](const std::string& why) { coordinator.RequestStop(why); });
  const EndRun end = coordinator.Wait();
  signals.Reraise();
  for (const std::string& trouble : lister.troubles()) {
    std::cerr << "dist: " << trouble << "\n";
  }
  const int printed = PrintText(DescribePlan(*question, lister));
  if (end.status != ExitStatus::kOk) return static_cast<int>(end.status);
  return printed;
}

// `dist doctor`: what the hosts are like.
int ExamineHosts(const std::vector<std::string>& args) {
  absl::StatusOr<Examination> examination = PlanExamination(args);
  if (!examination.ok()) {
    return Fail(examination.status().message(), ExitStatus::kUsage);
  }
  if (examination->help) return PrintText(HelpText());
  SignalWatch signals;
  const auto arrivals = AwaitArrivals(examination->setup.addresses, &signals);
  if (!arrivals.ok()) return NobodyCame(arrivals.status(), &signals);
  if (arrivals->reception != nullptr) {
    examination = PlanExamination(args, *arrivals);
    if (!examination.ok()) {
      return Fail(examination.status().message(), ExitStatus::kUsage);
    }
  }
  Doctor doctor(examination->setup);
  signals.Start([&](const std::string& why) { doctor.RequestStop(why); });
  const DoctorFindings findings = doctor.Wait();
  signals.Reraise();
  for (const std::string& note : findings.notes) {
    std::cerr << "dist: host " << Printable(note) << "\n";
  }
  const int printed = PrintText(DescribeFindings(*examination, findings));
  const ExitStatus status = StatusOf(*examination, findings);
  return status == ExitStatus::kOk ? printed : static_cast<int>(status);
}

int TellSync(const std::vector<std::string>& args) {
  const absl::StatusOr<std::string> text = RunSyncVerb(args);
  if (!text.ok()) return Fail(text.status().message(), ExitStatus::kUsage);
  return PrintText(*text);
}

int TellHistory(const std::vector<std::string>& args) {
  const absl::StatusOr<std::string> text = RunHistoryVerb(args);
  if (!text.ok()) return Fail(text.status().message(), ExitStatus::kUsage);
  return PrintText(*text);
}

int Main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  int served = NodeVerb(args);
  if (served == kNotTheNodeVerb) served = ServedVerb(args);
  if (served != kNotTheNodeVerb) return served;
  // Under `bazel run` the user is somewhere else.
  if (const char* user = getenv("BUILD_WORKING_DIRECTORY")) {
    if (chdir(user) != 0) {
      return Fail(absl::StrCat(user, ": ", strerror(errno)),
                  ExitStatus::kUsage);
    }
    unsetenv("BUILD_WORKING_DIRECTORY");
  }
  const Command command = SplitVerb(args);
  if (command.verb == Verb::kPlan) return PredictTests(command.args);
  if (command.verb == Verb::kDoctor) return ExamineHosts(command.args);
  if (command.verb == Verb::kHistory) return TellHistory(command.args);
  if (command.verb == Verb::kSync) return TellSync(command.args);
  if (command.verb == Verb::kServe) return ServeVerb(command.args);
  return RunTests(command.args);
}

}  // namespace
}  // namespace dist

int main(int argc, char** argv) {
  const int status = dist::Main(argc, argv);
  fflush(nullptr);
  // Actors have ended or hold nothing: their orderly destruction would only
  // cost the user time.
  _exit(status);
}
