// What every reporter of the table owes: it survives any order of events and
// any bytes in them, and says the same twice.
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "core/report/text.h"
#include "tests/core/report/report_testing.h"

namespace dist {
namespace {

std::string AllBytes() {
  std::string bytes;
  for (int c = 0; c < 256; ++c) bytes.push_back(static_cast<char>(c));
  return bytes;
}

const std::vector<std::string>& Hostile() {
  static const auto* const kTexts = new std::vector<std::string>{
      "",
      "test_a.py::test_b[x]",
      AllBytes(),
      "\x1b]52;c;AAAA\a\x1b[2J\x1b[31mred\r\n\n::error::x\n##vso[task]",
      "\xc2\x9b"
      "2J\xe2\x80\xae]]><![CDATA[ &lt; <a b=\"c\">",
      "{\"$report_type\": \"TestReport\"}",
      "\xed\xa0\x80\xff\xc0\xaf[::/.py",
      std::string(64 * 1024, 'n') + "::t"};
  return *kTexts;
}

// Makes events out of random choices among hostile parts.
class Chaos {
 public:
  explicit Chaos(unsigned seed) : random_(seed) {}

  std::vector<RunEvent> Run() {
    std::vector<RunEvent> events;
    if (Pick(4) > 0) events.push_back(RunStart());
    for (size_t n = Pick(40); n > 0; --n) events.push_back(Any());
    RunEnded ended;
    ended.at = At(Pick(10));
    ended.stopped = Text();
    ended.counts = counts_;
    events.push_back(ended);
    return events;
  }

 private:
  size_t Pick(size_t below) { return random_() % below; }
  // Mostly short, so that the test is quick.
  std::string Text() {
    return Hostile()[Pick(20) == 0 ? Hostile().size() - 1
                                   : Pick(Hostile().size() - 1)];
  }
  const std::string* Id() { return Pick(8) == 0 ? nullptr : Intern(Text()); }

  RunEvent RunStart() {
    RunStarted event = Started({Text(), Text()}, {""});
    if (Pick(2) == 0) event.platforms = {Text(), Text(), Text()};
    event.rootdir = Text();
    event.inifile = Text();
    return event;
  }

  Verdict AnyVerdict() { return kAllVerdicts[Pick(kVerdictCount)]; }

  PhaseReport AnyReport() {
    PhaseReport report;
    report.nodeid = Text();
    report.phase = static_cast<Phase>(Pick(4));
    report.verdict = AnyVerdict();
    report.letter = Text();
    report.word = Text();
    report.longrepr = Text();
    report.block = Text();
    report.crash_path = Text();
    report.crash_message = Text();
    report.reason = Text();
    report.sections = {{Text(), Text()}};
    report.properties = {{Text(), Text()}};
    report.file = Text();
    report.line = Pick(3);
    report.rerun = Pick(4) == 0;
    return report;
  }

  TestJudged AnyJudged() {
    TestJudged event;
    event.test = TestIndex(next_test_++);
    event.platform = Pick(5) == 0 ? PlatformId() : PlatformId(Pick(3));
    event.id = Id();
    event.verdict = AnyVerdict();
    event.flaky = Pick(4) == 0;
    event.worker = Text();
    event.host = Text();
    event.micros = {1, 10000000, 0xffffffffu};
    for (size_t n = Pick(3); n > 0; --n) event.reports.push_back(AnyReport());
    event.at = At(Pick(5));
    return event;
  }

  WorkerAnnounced AnyWorker() {
    WorkerAnnounced event;
    event.worker = WorkerId(Pick(3));
    event.name = Text();
    event.host = Text();
    event.platform = PlatformId(Pick(5));
    event.facts.executable = Text();
    event.facts.language = Text();
    event.facts.framework = Text();
    event.facts.platform = Text();
    event.facts.plugins = {Text()};
    event.facts.header = {Text()};
    return event;
  }

  VerdictAmended AnyAmended() {
    VerdictAmended event;
    event.test = TestIndex(Pick(next_test_ + 1));
    event.platform = PlatformId(Pick(3));
    event.id = Id();
    event.worker = Text();
    event.report = AnyReport();
    return event;
  }

  RunEvent Any() {
    switch (Pick(15)) {
      case 0:
        return AnyWorker();
      case 1:
        return Grew(Pick(10), Pick(3), Pick(2));
      case 2:
        return CollectionsDiffer{{Text(), Text()}};
      case 3:
        return TestsListed{PlatformId(Pick(3)), {Text(), Text()}};
      case 4:
        return CollectorFailed{Text(), Text(), PlatformId(Pick(3)),
                               AnyReport()};
      case 5:
        return TestStarted{WorkerId(Pick(3)), TestIndex(next_test_),
                           PlatformId(0), Id(), At(Pick(5))};
      case 6:
        return TestTriedAgain{AnyJudged(), Text()};
      case 7:
        return AnyAmended();
      case 8: {
        WarningShown event{Text(), {}};
        event.warning.message = Text();
        event.warning.filename = Text();
        event.warning.nodeid = Text();
        return event;
      }
      case 9:
        return WorkerLost{WorkerId(Pick(3)), Text(), Text(), Text(), true};
      case 10:
        return NoticeGiven{Text(), Text()};
      case 11:
        return OutputShown{Text(), Text(), Text()};
      case 12:
        return LogEntryShown{Text(), Text(), 1, Text()};
      case 13:
        return TreesSynced{Text(), At(Pick(5)), At(Pick(5))};
      default: {
        const TestJudged event = AnyJudged();
        ++counts_[static_cast<size_t>(event.verdict)];
        return event;
      }
    }
  }

  std::mt19937 random_;
  uint32_t next_test_ = 0;
  std::array<size_t, kVerdictCount> counts_{};
};

std::vector<ReportOptions> ManyOptions() {
  std::vector<ReportOptions> many(6);
  many[1].color = many[1].ci = true;
  many[1].report_chars = "AR";
  many[1].durations = 3;
  many[2].live = many[2].stdout_is_terminal = true;
  many[2].columns = 40;
  many[3].live = true;
  many[3].verbosity = 2;
  many[3].columns = 0;
  many[4].verbosity = -1;
  many[4].tb = "line";
  many[4].durations = 0;
  many[5].collect_only = true;
  many[5].tb = "no";
  return many;
}

class ReporterContract : public ::testing::TestWithParam<ReporterEntry> {
 protected:
  // What the reporter makes of `events`: the report and the live display.
  std::pair<std::string, std::string> Write(const std::vector<RunEvent>& events,
                                            const ReportOptions& options) {
    StringSink out;
    StringSink live;
    const std::unique_ptr<Reporter> reporter =
        GetParam().make(options, out, live);
    double now = 0;
    for (const RunEvent& event : events) {
      reporter->OnEvent(event);
      reporter->OnTick(At(now += 0.06));
    }
    reporter->OnTick(At(now + 1));
    return {out.text, live.text};
  }
};

// Nothing that a terminal would obey, but SGR and what a live block needs.
void ExpectClean(std::string text, bool sgr) {
  if (sgr) text = StripSgr(text);
  const size_t bad =
      std::find_if(text.begin(), text.end(),
                   [](char c) {
                     return (static_cast<unsigned char>(c) < 0x20 &&
                             c != '\n' && c != '\t') ||
                            c == 0x7f;
                   }) -
      text.begin();
  ASSERT_EQ(bad, text.size()) << text.substr(bad, 40);
}

// Bidi controls and the like, too, where people read.
void ExpectReadable(absl::string_view name, const ReportOptions& options,
                    const std::string& text) {
  if (name != "terminal") return;
  ASSERT_TRUE(Sanitize(text, Sgr::kKeep) == text);
  if (options.ci) {
    ASSERT_TRUE(NeutralizeCi(text) == text);
  }
}

TEST_P(ReporterContract, SurvivesAnyEventsAndWritesNothingThatIsObeyed) {
  for (unsigned seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    const std::vector<RunEvent> events = Chaos(seed).Run();
    for (const ReportOptions& options : ManyOptions()) {
      auto [out, live] = Write(events, options);
      ASSERT_NO_FATAL_FAILURE(ExpectClean(out, options.color));
      ASSERT_NO_FATAL_FAILURE(ExpectReadable(GetParam().name, options, out));
      live = absl::StrReplaceAll(live, {{"\r", ""}, {"\x1b[J", ""}});
      for (int rows = 1; rows <= 10; ++rows) {
        live =
            absl::StrReplaceAll(live, {{absl::StrCat("\x1b[", rows, "A"), ""}});
      }
      ASSERT_NO_FATAL_FAILURE(ExpectClean(live, options.color));
    }
  }
}

TEST_P(ReporterContract, SaysTheSameTwice) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    const std::vector<RunEvent> events = Chaos(seed).Run();
    for (const ReportOptions& options : ManyOptions()) {
      ASSERT_TRUE(Write(events, options) == Write(events, options)) << seed;
    }
  }
}

TEST_P(ReporterContract, SurvivesTheEndAlone) {
  for (const ReportOptions& options : ManyOptions()) {
    EXPECT_FALSE(Write({RunEnded()}, options).first.empty());
  }
}

// Each format, read back, must know as many tests as the run judged.
size_t CountInJunit(const std::string& text) {
  pugi::xml_document document;
  EXPECT_TRUE(document.load_buffer(text.data(), text.size()));
  size_t tests = 0;
  size_t cases = 0;
  for (const pugi::xml_node suite : document.child("testsuites")) {
    tests += suite.attribute("tests").as_uint();
    for (const pugi::xml_node child : suite) {
      cases += std::string(child.name()) == "testcase";
    }
  }
  EXPECT_EQ(tests, cases);
  return cases;
}

TEST_P(ReporterContract, WritesWhatReadersCanRead) {
  for (unsigned seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    const std::vector<RunEvent> events = Chaos(seed).Run();
    const std::string out = Write(events, {}).first;
    if (GetParam().name == "junit") {
      size_t judged = 0;
      for (const RunEvent& event : events) {
        judged += std::holds_alternative<TestJudged>(event);
      }
      EXPECT_GE(CountInJunit(out), judged);
    } else if (GetParam().name == "report-log") {
      for (absl::string_view line :
           absl::StrSplit(out, '\n', absl::SkipEmpty())) {
        ASSERT_TRUE(nlohmann::json::accept(line.begin(), line.end())) << line;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, ReporterContract,
    ::testing::ValuesIn(Reporters().begin(), Reporters().end()),
    [](const auto& info) {
      return absl::StrReplaceAll(info.param.name, {{"-", "_"}});
    });

}  // namespace
}  // namespace dist
