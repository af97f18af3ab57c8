#include "cli/plan_verb.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "cli/history.h"
#include "cli/history_verb.h"
#include "cli/table.h"
#include "core/base/overload.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"
#include "core/run/forecast.h"
#include "core/schedule/policy.h"

namespace dist {
namespace {

constexpr int kMostHosts = 10000;
constexpr absl::Duration kUnknown = absl::Seconds(1);

bool Shared(const RunPlan& plan) {
  return FindPolicy(plan.mode)->spread == Spread::kShared;
}

// "hosts=4,8,16".
absl::Status ReadWhatIf(absl::string_view text, PlanQuestion* question) {
  const absl::Status wrong = absl::InvalidArgumentError(
      absl::StrCat("--what-if: '", Printable(text),
                   "' is no fleet\nhelp: --what-if hosts=4,8,16 or --what-if "
                   "workers=4,8,16"));
  std::vector<int>* numbers = nullptr;
  if (absl::ConsumePrefix(&text, "hosts=")) numbers = &question->hosts;
  if (absl::ConsumePrefix(&text, "workers=")) numbers = &question->workers;
  if (numbers == nullptr) return wrong;
  for (const absl::string_view word : absl::StrSplit(text, ',')) {
    int number = 0;
    if (!absl::SimpleAtoi(word, &number) || number < 1 || number > kMostHosts) {
      return wrong;
    }
    numbers->push_back(number);
  }
  return absl::OkStatus();
}

// Takes what is of `plan` alone out of the arguments of a run.
absl::StatusOr<std::vector<std::string>> TakeOwnOptions(
    const std::vector<std::string>& args, PlanQuestion* question) {
  std::vector<std::string> rest;
  for (size_t i = 0; i < args.size(); ++i) {
    absl::string_view word = args[i];
    if (word == "--") {
      rest.insert(rest.end(), args.begin() + i, args.end());
      break;
    }
    if (word == "--what-if") {
      if (++i == args.size()) return ReadWhatIf("", question);
      DIST_RETURN_IF_ERROR(ReadWhatIf(args[i], question));
    } else if (absl::ConsumePrefix(&word, "--what-if=")) {
      DIST_RETURN_IF_ERROR(ReadWhatIf(word, question));
    } else {
      rest.push_back(args[i]);
    }
  }
  return rest;
}

// The plan with another fleet: hosts and workers like its first ones.
RunPlan WithFleet(const RunPlan& plan, size_t hosts, size_t workers_each) {
  RunPlan fleet = plan;
  fleet.hosts.assign(hosts, plan.hosts[0]);
  fleet.workers.clear();
  for (size_t h = 0; h < hosts; ++h) {
    for (size_t w = 0; w < workers_each; ++w) {
      PlannedWorker worker = plan.workers[0];
      worker.host = HostId(static_cast<uint32_t>(h));
      worker.kin = 0;
      worker.setup.name = absl::StrCat("gw", fleet.workers.size());
      fleet.workers.push_back(std::move(worker));
    }
  }
  return fleet;
}

class Answer {
 public:
  Answer(const PlanQuestion& question, const TestLister& lister)
      : question_(question),
        lists_(lister.lists()),
        collecting_(lister.took()) {
    for (const CollectionListed& list : lists_) tests_ += list.ids.size();
  }

  std::string Text() {
    if (tests_ == 0) return "no tests\n";
    const Forecast forecast = Predict(question_.plan);
    text_ = absl::StrCat(Known(), Totals(forecast), "\n", Workers(forecast),
                         "\n", Prediction(forecast));
    AddWhatIf();
    return std::move(text_);
  }

 private:
  Forecast Predict(RunPlan plan) {
    auto expected = ExpectedOn(question_.history, plan);
    for (const CollectionListed& list : lists_) {
      for (const std::string& id : list.ids) new_ += !expected.contains(id);
    }
    const Estimates estimates(std::move(expected));
    if (UsesDurations(plan)) plan.estimates = estimates;
    SetPaces(question_.history, &plan);
    const std::vector<PlannedHost> hosts = plan.hosts;
    return MakeForecast(
        std::move(plan), lists_,
        [&](const PlannedWorker& worker, const std::string& id) {
          return estimates.known()
                     ? estimates.Of(id) * hosts[worker.host.value()].pace
                     : kUnknown;
        });
  }

  std::string Known() const {
    if (question_.history.tests.empty()) {
      return "no durations are known: assuming 1 s for every test\n"
             "help: run the tests once, or dist history import FILE...\n";
    }
    if (new_ == 0) return "";
    return absl::StrCat(new_, new_ == 1 ? " test has" : " tests have",
                        " never been measured: assuming what is typical of "
                        "the file\n");
  }

  static std::string Time(absl::Duration duration) {
    return ShortDuration(absl::ToDoubleSeconds(duration));
  }

  std::string Totals(const Forecast& forecast) const {
    return absl::StrCat(
        forecast.tests, forecast.tests == 1 ? " test, " : " tests, ",
        Time(forecast.total), " in all; the longest ", Time(forecast.longest),
        ": ", Printable(forecast.longest_id), "\n");
  }

  static std::string Workers(const Forecast& forecast) {
    Table table;
    table.Add({"worker", "host", "tests", "busy", "first tests"});
    for (const ForecastWorker& worker : forecast.workers) {
      std::string first;
      for (const std::string& id : worker.first) {
        absl::StrAppend(&first, first.empty() ? "" : " ", Printable(id));
      }
      if (worker.tests > worker.first.size()) absl::StrAppend(&first, " ...");
      table.Add({worker.name, worker.host, absl::StrCat(worker.tests),
                 Time(worker.busy), first});
    }
    return table.Text();
  }

  std::string Prediction(const Forecast& forecast) const {
    const absl::string_view why =
        forecast.bound == forecast.longest ? "the longest test"
        : Shared(question_.plan)           ? "an even share"
                                           : "the busiest worker";
    return absl::StrCat("predicted: ", Time(forecast.makespan), ", at least ",
                        Time(forecast.bound), " (", why,
                        "); start-up and collection add to that, here ",
                        Time(collecting_), "\n");
  }

  void AddWhatIf() {
    if (question_.hosts.empty() && question_.workers.empty()) return;
    Table table;
    table.Add({"hosts", "workers", "predicted", "at least"});
    const RunPlan& plan = question_.plan;
    const size_t each = std::max<size_t>(
        1, std::count_if(plan.workers.begin(), plan.workers.end(),
                         [](const PlannedWorker& worker) {
                           return worker.host == HostId(0);
                         }));
    for (const int hosts : question_.hosts) AddRow(hosts, each, &table);
    for (const int workers : question_.workers) AddRow(1, workers, &table);
    absl::StrAppend(&text_, "\n", table.Text());
  }

  void AddRow(size_t hosts, size_t workers_each, Table* table) {
    const Forecast forecast =
        Predict(WithFleet(question_.plan, hosts, workers_each));
    table->Add({absl::StrCat(hosts), absl::StrCat(hosts * workers_each),
                Time(forecast.makespan), Time(forecast.bound)});
  }

  const PlanQuestion& question_;
  const std::vector<CollectionListed>& lists_;
  const absl::Duration collecting_;
  size_t tests_ = 0;
  size_t new_ = 0;
  std::string text_;
};

}  // namespace

absl::StatusOr<PlanQuestion> ReadPlanQuestion(
    const std::vector<std::string>& args, const Screen& screen,
    const Arrivals& arrivals) {
  PlanQuestion question;
  DIST_ASSIGN_OR_RETURN(const std::vector<std::string> run_args,
                        TakeOwnOptions(args, &question));
  DIST_ASSIGN_OR_RETURN(Request request, ReadRequest(run_args));
  question.help = request.options.help || request.options.version;
  if (question.help) return question;
  request.options.collect_only = true;
  DIST_ASSIGN_OR_RETURN(question.collecting,
                        MakePlan(request, run_args, screen, arrivals));
  question.plan = question.collecting.plan;
  question.plan.collect_only = false;
  if (!Shared(question.plan) &&
      question.hosts.size() + question.workers.size() > 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("--what-if: with --dist ", question.plan.mode,
                     " every worker runs everything, however many there are"
                     "\nhelp: leave out --what-if"));
  }
  if (!question.collecting.history.empty()) {
    LoadedHistory loaded = LoadHistory(question.collecting.history);
    question.history = std::move(loaded.history);
    if (!loaded.notice.empty()) question.notices.push_back(loaded.notice);
  }
  return question;
}

void TestLister::OnEvent(const RunEvent& event) {
  std::visit(
      Overload{
          [&](const RunStarted& e) {
            began_ = e.at;
            lists_.resize(e.platforms.size());
          },
          [&](const TestsListed& e) {
            std::vector<std::string>& ids = lists_[e.platform.value()].ids;
            ids.insert(ids.end(), e.ids.begin(), e.ids.end());
          },
          [&](const CollectorFailed& e) {
            if (e.report.verdict != Verdict::kError) return;
            troubles_.push_back(
                absl::StrCat("cannot collect ", Printable(e.report.nodeid),
                             ": ", Printable(e.report.crash_message)));
          },
          [&](const NoticeGiven& e) { troubles_.push_back(e.text); },
          [&](const InternalErrorShown& e) { troubles_.push_back(e.text); },
          [&](const WorkerLost& e) {
            troubles_.push_back(absl::StrCat(e.name.empty() ? "host " : e.name,
                                             e.name.empty() ? e.host : "", ": ",
                                             e.text));
          },
          [&](const RunEnded& e) { ended_ = e.at; }, [](const auto&) {}},
      event);
}

std::string DescribePlan(const PlanQuestion& question,
                         const TestLister& lister) {
  return Answer(question, lister).Text();
}

}  // namespace dist
