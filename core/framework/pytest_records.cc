#include "core/framework/pytest_records.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/status_macros.h"

namespace dist {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxRecord = size_t{16} << 20;
constexpr int kMaxDepth = 60;

absl::Status Malformed(absl::string_view what) {
  return absl::DataLossError(
      absl::StrCat("the test process wrote a malformed record: ", what));
}

uint32_t Number(absl::string_view bytes) {
  uint32_t n = 0;
  for (int i = 3; i >= 0; --i) n = (n << 8) | static_cast<uint8_t>(bytes[i]);
  return n;
}

void AppendNumber(uint32_t n, std::string* out) {
  for (int shift = 0; shift < 32; shift += 8) {
    out->push_back(static_cast<char>(n >> shift & 0xff));
  }
}

// ---- JSON whose types nobody vouches for ----------------------------------

std::string Text(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) return "";
  return found->get<std::string>();
}

double Real(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number()) return 0;
  return found->get<double>();
}

uint32_t Count(const Json& object, const char* key) {
  const double value = Real(object, key);
  return value > 0 && value < 4e9 ? static_cast<uint32_t>(value) : 0;
}

int32_t Integer(const Json& object, const char* key) {
  const double value = Real(object, key);
  return value > -1e9 && value < 1e9 ? static_cast<int32_t>(value) : 0;
}

const Json& Child(const Json& object, const char* key) {
  static const Json* const kNull = new Json;
  const auto found = object.find(key);
  return found == object.end() ? *kNull : *found;
}

std::string AsText(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::vector<std::string> Texts(const Json& object, const char* key) {
  std::vector<std::string> texts;
  const Json& list = Child(object, key);
  if (!list.is_array()) return texts;
  for (const Json& item : list) texts.push_back(AsText(item));
  return texts;
}

std::vector<std::pair<std::string, std::string>> Pairs(const Json& object,
                                                       const char* key) {
  std::vector<std::pair<std::string, std::string>> pairs;
  const Json& list = Child(object, key);
  if (!list.is_array()) return pairs;
  for (const Json& item : list) {
    if (!item.is_array() || item.size() != 2) continue;
    pairs.emplace_back(AsText(item[0]), AsText(item[1]));
  }
  return pairs;
}

Phase PhaseOf(const std::string& when) {
  if (when == "setup") return Phase::kSetup;
  if (when == "teardown") return Phase::kTeardown;
  if (when == "collect") return Phase::kCollect;
  return Phase::kCall;
}

// A category that a plugin invented says nothing; then the outcome counts.
Verdict VerdictOf(const std::string& category, const std::string& outcome,
                  Phase phase) {
  if (category == "xfailed") return Verdict::kXfailed;
  if (category == "xpassed") return Verdict::kXpassed;
  if (category == "error") return Verdict::kError;
  if (category == "skipped") return Verdict::kSkipped;
  if (outcome == "failed") {
    return phase == Phase::kCall ? Verdict::kFailed : Verdict::kError;
  }
  if (outcome == "skipped") return Verdict::kSkipped;
  return Verdict::kPassed;
}

PhaseReport ReportOf(const Json& json) {
  PhaseReport report;
  report.nodeid = Text(json, "nodeid");
  report.phase = PhaseOf(Text(json, "when"));
  const std::string category = Text(json, "category");
  report.rerun = category == "rerun" || Text(json, "outcome") == "rerun";
  report.verdict = VerdictOf(category, Text(json, "outcome"), report.phase);
  report.letter = Text(json, "letter");
  report.word = Text(json, "word");
  report.longrepr = Text(json, "longrepr");
  report.block = Text(json, "block");
  report.reason = Text(json, "reason");
  if (const Json& crash = Child(json, "crash"); crash.is_object()) {
    report.crash_path = Text(crash, "path");
    report.crash_line = Count(crash, "line");
    report.crash_message = Text(crash, "message");
  }
  report.sections = Pairs(json, "sections");
  report.properties = Pairs(json, "properties");
  const double seconds = Real(json, "duration");
  if (seconds > 0 && seconds < 1e9) {
    report.micros = static_cast<uint64_t>(seconds * 1e6);
  }
  const Json& location = Child(json, "location");
  if (location.is_array() && location.size() == 3) {
    report.file = AsText(location[0]);
    if (location[1].is_number_unsigned()) {
      report.line = static_cast<uint32_t>(
          std::min<uint64_t>(location[1].get<uint64_t>(), 1u << 30));
    }
  }
  return report;
}

WorkerConfigured ConfiguredOf(WorkerId worker, const Json& json) {
  WorkerConfigured configured;
  configured.worker = worker;
  configured.pid = Count(json, "pid");
  configured.executable = Text(json, "executable");
  configured.language = absl::StrCat("Python ", Text(json, "python"));
  configured.framework = absl::StrCat("pytest-", Text(json, "pytest"));
  configured.platform = Text(json, "platform");
  configured.rootdir = Text(json, "rootdir");
  configured.inifile = Text(json, "inifile");
  configured.plugins = Texts(json, "plugins");
  configured.header = Texts(json, "header");
  return configured;
}

WarningReport WarningOf(const Json& json) {
  WarningReport warning;
  warning.message = Text(json, "message");
  warning.category = Text(json, "category");
  warning.filename = Text(json, "filename");
  warning.line = Count(json, "lineno");
  warning.when = Text(json, "when");
  warning.nodeid = Text(json, "nodeid");
  return warning;
}

WorkerFinished FinishedOf(WorkerId worker, const Json& json) {
  WorkerFinished finished;
  finished.worker = worker;
  finished.status = Integer(json, "exitstatus");
  finished.reason = Text(json, "reason");
  const auto says = [&](const char* key) {
    const Json& value = Child(json, key);
    if (value.is_string()) {
      if (finished.reason.empty()) finished.reason = value.get<std::string>();
      return !value.get<std::string>().empty();
    }
    return value.is_boolean() && value.get<bool>();
  };
  const bool fail = says("shouldfail");
  const bool stop = says("shouldstop");
  finished.stopped = fail || stop || finished.status == 2;
  return finished;
}

// Whatever is nested deeper than any record is left out: it could exhaust the
// stack of whoever walks it.
Json ParseJson(absl::string_view text) {
  return Json::parse(
      text.begin(), text.end(),
      [](int depth, Json::parse_event_t, Json&) { return depth < kMaxDepth; },
      /*allow_exceptions=*/false);
}

}  // namespace

void AppendRecord(char kind, absl::string_view payload, std::string* out) {
  AppendNumber(static_cast<uint32_t>(payload.size() + 1), out);
  out->push_back(kind);
  out->append(payload.data(), payload.size());
}

std::string ConfigRecord(const WorkerSetup& setup) {
  Json input = {{"workerid", setup.name},
                {"workercount", setup.worker_count},
                {"testrunuid", setup.run_uid},
                {"mainargv", setup.main_args}};
  const Json config = {{"args", setup.args},
                       {"workerinput", std::move(input)},
                       {"color", setup.color},
                       {"columns", setup.columns},
                       {"report_log", setup.report_log},
                       {"passed_sections", setup.passed_sections},
                       {"collect_only", setup.collect_only},
                       {"basetemp", nullptr},
                       {"source_paths", setup.source_paths},
                       {"maxfail", 0}};
  std::string out;
  AppendRecord('C', config.dump(-1, ' ', true, Json::error_handler_t::replace),
               &out);
  return out;
}

TestsReported& PytestDecoder::Steps(std::vector<NodeEvent>* events) {
  if (events->empty() ||
      !std::holds_alternative<TestsReported>(events->back())) {
    events->push_back(TestsReported{worker_, {}});
  }
  return std::get<TestsReported>(events->back());
}

absl::Status PytestDecoder::Decode(absl::string_view bytes,
                                   std::vector<NodeEvent>* events) {
  if (broken_) return Malformed("earlier");
  buffer_.append(bytes.data(), bytes.size());
  absl::string_view rest = buffer_;
  while (rest.size() >= 5) {
    const size_t size = Number(rest);
    const char kind = rest[4];
    if (size == 0 || size > kMaxRecord) {
      broken_ = true;
      return Malformed("its length");
    }
    if (rest.size() < 4 + size) break;
    const absl::Status status =
        OnRecord(kind, rest.substr(5, size - 1), events);
    if (!status.ok()) {
      broken_ = true;
      return status;
    }
    rest.remove_prefix(4 + size);
  }
  buffer_.erase(0, buffer_.size() - rest.size());
  return absl::OkStatus();
}

absl::Status PytestDecoder::OnRecord(char kind, absl::string_view payload,
                                     std::vector<NodeEvent>* events) {
  switch (kind) {
    case 'S':
    case 'D':
    case 'T':
    case 'O':
      return OnTest(kind, payload, events);
    case 'v': {
      if (payload.size() % 4 != 0) return Malformed("v");
      TestsReturned returned{worker_, {}};
      for (size_t i = 0; i < payload.size(); i += 4) {
        returned.positions.push_back(Number(payload.substr(i, 4)));
        if (returned.positions.back() >= count_) return Malformed("a position");
      }
      events->push_back(std::move(returned));
      return absl::OkStatus();
    }
    case 'L':
      return OnList(payload, events);
    case 'K':  // Its descriptors are for whoever reads the socket.
      return payload.empty() ? absl::OkStatus() : Malformed("K");
    default:
      return OnJson(kind, payload, events);
  }
}

absl::Status PytestDecoder::OnTest(char kind, absl::string_view payload,
                                   std::vector<NodeEvent>* events) {
  const bool has_report = kind == 'T' || kind == 'O';
  const size_t fixed = kind == 'D' ? 20 : 4;
  if (payload.size() < fixed || (payload.size() > fixed && !has_report)) {
    return Malformed("its size");
  }
  TestStep step;
  step.position = Number(payload);
  if (step.position >= count_) return Malformed("a position");
  if (kind == 'S') {
    step.kind = TestStep::Kind::kStarted;
  } else if (kind == 'D') {
    step.kind = TestStep::Kind::kDone;
    step.lease = Number(payload.substr(4));
    step.micros.setup = Number(payload.substr(8));
    step.micros.call = Number(payload.substr(12));
    step.micros.teardown = Number(payload.substr(16));
  } else {
    step.kind = kind == 'T' ? TestStep::Kind::kPhase : TestStep::Kind::kLate;
    const Json json = ParseJson(payload.substr(4));
    if (!json.is_object()) return Malformed("a report");
    step.report.push_back(ReportOf(json));
  }
  Steps(events).steps.push_back(std::move(step));
  return absl::OkStatus();
}

absl::Status PytestDecoder::OnList(absl::string_view payload,
                                   std::vector<NodeEvent>* events) {
  if (payload.size() < 4) return Malformed("the list of tests");
  const size_t head_size = Number(payload);
  payload.remove_prefix(4);
  if (head_size > payload.size()) return Malformed("the list of tests");
  const Json head = ParseJson(payload.substr(0, head_size));
  if (!head.is_object()) return Malformed("the list of tests");
  payload.remove_prefix(head_size);
  // A long list comes in several records; `more` says that another follows.
  CollectionListed& listed = list_;
  const size_t count = Count(head, "count");
  const size_t separators = std::count(payload.begin(), payload.end(), '\0');
  if (count == 0 ? !payload.empty() : separators != count - 1) {
    return Malformed("the list of tests");
  }
  if (count > 0) {
    for (absl::string_view id : absl::StrSplit(payload, '\0')) {
      listed.ids.emplace_back(id);
    }
  }
  if (const Json& groups = Child(head, "groups"); groups.is_object()) {
    for (const auto& [position, name] : groups.items()) {
      uint32_t number = 0;
      if (absl::SimpleAtoi(position, &number) && name.is_string()) {
        listed.groups.emplace_back(number, name.get<std::string>());
      }
    }
  }
  if (const Json& more = Child(head, "more");
      more.is_boolean() && more.get<bool>()) {
    return absl::OkStatus();
  }
  CollectionReported reported;
  reported.worker = worker_;
  reported.count = count_ = static_cast<uint32_t>(listed.ids.size());
  reported.deselected = Count(head, "deselected");
  events->push_back(std::exchange(list_, {}));
  events->push_back(std::move(reported));
  return absl::OkStatus();
}

absl::Status PytestDecoder::OnJson(char kind, absl::string_view payload,
                                   std::vector<NodeEvent>* events) {
  if (kind == 'J') {
    events->push_back(LogEntryWritten{worker_, std::string(payload)});
    return absl::OkStatus();
  }
  const Json json = ParseJson(payload);
  if (!json.is_object()) return Malformed("not JSON");
  switch (kind) {
    case 'H':
      events->push_back(ConfiguredOf(worker_, json));
      return absl::OkStatus();
    case 'N':
      events->push_back(WorkerRefused{worker_, Refusal::kNoFramework, 4,
                                      Text(json, "reason")});
      return absl::OkStatus();
    case 'U':
      events->push_back(WorkerRefused{worker_, Refusal::kUsage,
                                      Integer(json, "status"),
                                      Text(json, "text")});
      return absl::OkStatus();
    case 'E':
      events->push_back(CollectorReported{worker_, ReportOf(json)});
      return absl::OkStatus();
    case 'W':
      events->push_back(WarningRaised{worker_, WarningOf(json)});
      return absl::OkStatus();
    case 'X':
      events->push_back(InternalErrorRaised{worker_, Text(json, "text")});
      return absl::OkStatus();
    case 'Z':
      events->push_back(FinishedOf(worker_, json));
      return absl::OkStatus();
    default:
      return Malformed("unknown kind");
  }
}

}  // namespace dist
