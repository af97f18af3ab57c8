#include "actors/worker.h"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "actors/actor_class.h"
#include "actors/collection_hash.h"
#include "core/base/text.h"
#include "core/framework/session.h"
#include "transports/spawn.h"

namespace dist {
namespace {

using Clock = std::chrono::steady_clock;

// The end of a process's output is kept, to be shown if it dies.
constexpr size_t kLastOutput = 64 << 10;
constexpr std::chrono::milliseconds kTimeoutCheck{50};

// Carries what the pump says to the actor.
class ToActor : public ProcessObserver {
 public:
  explicit ToActor(WorkerHandle worker) : worker_(std::move(worker)) {}

  void OnControl(std::string bytes) override {
    caf::anon_send(worker_, ProcessReported{std::move(bytes)});
  }
  void OnOutput(std::string bytes) override {
    caf::anon_send(worker_, ProcessWrote{std::move(bytes)});
  }
  void OnEnd(const ProcessEnd& end) override {
    caf::anon_send(worker_, ProcessEnded{std::string(end.start.message()),
                                         absl::IsNotFound(end.start),
                                         end.wait_status, end.captured});
  }

 private:
  const WorkerHandle worker_;
};

// Interpreters to try, best first, each as the words of a command line.
std::vector<std::vector<std::string>> Candidates(
    const WorkerSetup& setup, const FrameworkEntry& framework,
    const std::vector<std::string>& env) {
  if (!setup.python.empty()) {
    auto words = SplitShellWords(setup.python);
    if (words.ok() && !words->empty()) {
      words->front() = ExpandHome(words->front(), GetVariable("HOME", env));
      return {*words};
    }
    return {{setup.python}};
  }
  const std::string venv = GetVariable("VIRTUAL_ENV", env);
  if (!venv.empty()) {
    const std::string python = absl::StrCat(venv, "/bin/python");
    if (access(python.c_str(), X_OK) == 0) return {{python}};
  }
  std::vector<std::string> names(framework.interpreters.begin(),
                                 framework.interpreters.end());
  std::vector<std::vector<std::string>> candidates;
  for (std::string& program : FindPrograms(names, GetVariable("PATH", env))) {
    candidates.push_back({std::move(program)});
  }
  return candidates;
}

std::vector<std::string> ProcessEnvironment(const WorkerSetup& setup) {
  std::vector<std::string> env = Environment();
  // The coordinator has read it, and put what is left into the arguments.
  UnsetVariable("PYTEST_ADDOPTS", &env);
  UnsetVariable("PYTEST_CURRENT_TEST", &env);
  SetVariable("PYTEST_XDIST_WORKER", setup.name, &env);
  SetVariable("PYTEST_XDIST_WORKER_COUNT", absl::StrCat(setup.worker_count),
              &env);
  SetVariable("PYTEST_XDIST_TESTRUNUID", setup.run_uid, &env);
  SetVariable("DIST_RUN_ID", setup.run_uid, &env);
  for (const auto& [name, value] : setup.env) SetVariable(name, value, &env);
  return env;
}

class WorkerActor {
 public:
  using Handle = WorkerHandle;
  static inline const char* name = "dist.worker";

  WorkerActor(Handle::pointer self, EventSinkHandle sink, StartWorker start,
              Processes* processes)
      : self_(self),
        sink_(std::move(sink)),
        worker_(start.worker),
        setup_(std::move(start.setup)),
        framework_(FindFramework(setup_.framework)),
        env_(ProcessEnvironment(setup_)),
        processes_(processes) {}

  Handle::behavior_type make_behavior() {
    if (framework_ == nullptr) {
      Refuse(Refusal::kBroken,
             absl::StrCat("no such test framework: ", setup_.framework));
    } else {
      candidates_ = Candidates(setup_, *framework_, env_);
      Launch();
    }
    return {
        [this](const CommandMessage& e) { OnCommand(e.command); },
        [this](const ProcessReported& e) { OnReported(e.bytes); },
        [this](const ProcessWrote& e) { OnWrote(e.bytes); },
        [this](const ProcessEnded& e) { OnEnded(e); },
        [this](Tick) { OnTick(); },
    };
  }

 private:
  void Tell(NodeEvent event) {
    self_->send(sink_, EventMessage{std::move(event)});
  }

  void Refuse(Refusal why, std::string text) {
    Part(WorkerRefused{worker_, why, 4, std::move(text)});
  }

  // Starts the process with the next interpreter.
  void Launch() {
    if (next_candidate_ >= candidates_.size()) {
      RefuseInterpreters();
      return;
    }
    last_output_.clear();
    session_ = framework_->open(worker_, setup_);
    ProcessRequest request;
    request.argv =
        framework_->argv(candidates_[next_candidate_++], Processes::kControlFd);
    request.env = env_;
    request.cwd = ExpandHome(setup_.chdir, GetVariable("HOME", env_));
    request.nice = setup_.nice;
    key_ = processes_->Start(std::move(request),
                             std::make_shared<ToActor>(WorkerHandle(self_)));
    processes_->Write(key_, session_->Begin());
    // What came too early for a process that could not use it.
    for (const NodeCommand& command : early_) Pass(command);
  }

  void RefuseInterpreters() {
    if (tried_.empty()) {
      Refuse(
          Refusal::kNoInterpreter,
          absl::StrCat("no ", absl::StrJoin(framework_->interpreters, " or "),
                       " along PATH\nhelp: install one, or name it with "
                       "--tx ...//python=/path/to/python"));
      return;
    }
    Refuse(Refusal::kNoFramework,
           absl::StrCat(absl::StrJoin(tried_, "; "), "\nhelp: install ",
                        framework_->name,
                        " there, or name another interpreter with python="));
  }

  void OnCommand(const NodeCommand& command) {
    if (std::holds_alternative<InterruptWorker>(command)) {
      stopped_ = true;
      processes_->Signal(key_, SIGINT);
    } else if (std::holds_alternative<KillWorker>(command)) {
      stopped_ = true;
      KillFor(DeathCause::kKilled);
    } else {
      if (!configured_) early_.push_back(command);
      Pass(command);
    }
  }

  void Pass(const NodeCommand& command) {
    processes_->Write(key_, session_->Encode(command));
  }

  // The first cause is the cause.
  void KillFor(DeathCause cause) {
    if (cause_ == DeathCause::kDied) cause_ = cause;
    processes_->Kill(key_);
  }

  void OnReported(const std::string& bytes) {
    std::vector<NodeEvent> events;
    const absl::Status status = session_->Decode(bytes, &events);
    for (NodeEvent& event : events) OnSessionEvent(std::move(event));
    if (!status.ok() && broken_.empty()) {
      broken_ = std::string(status.message());
      processes_->Kill(key_);
    }
  }

  void OnSessionEvent(NodeEvent event) {
    if (auto* tests = std::get_if<TestsReported>(&event)) {
      Track(*tests);
    } else if (auto* finished = std::get_if<WorkerFinished>(&event)) {
      finished_ = *finished;
      return;
    } else if (auto* refused = std::get_if<WorkerRefused>(&event)) {
      if (!refused_) refused_ = *refused;
      return;
    } else if (std::holds_alternative<WorkerConfigured>(event)) {
      configured_ = true;
      early_.clear();
    } else if (auto* listed = std::get_if<CollectionListed>(&event)) {
      listed->hash = CollectionHash(*listed);
      hash_ = listed->hash;
    } else if (auto* reported = std::get_if<CollectionReported>(&event)) {
      reported->hash = hash_;
      collected_ = true;
    }
    Tell(std::move(event));
  }

  void Track(const TestsReported& tests) {
    for (const TestStep& step : tests.steps) {
      if (step.kind == TestStep::Kind::kStarted) {
        running_ = step.position;
        running_since_ = Clock::now();
        if (setup_.timeout_ms > 0 && !ticking_) {
          ticking_ = true;
          self_->delayed_send(self_, kTimeoutCheck, Tick{});
        }
      } else if (step.kind == TestStep::Kind::kDone) {
        running_.reset();
      }
    }
  }

  std::chrono::microseconds RunningFor() const {
    return std::chrono::duration_cast<std::chrono::microseconds>(
        Clock::now() - running_since_);
  }

  void OnTick() {
    ticking_ = running_.has_value();
    if (!ticking_) return;
    if (RunningFor() >= std::chrono::milliseconds(setup_.timeout_ms)) {
      KillFor(DeathCause::kTimeout);
    } else {
      self_->delayed_send(self_, kTimeoutCheck, Tick{});
    }
  }

  void OnWrote(const std::string& bytes) {
    last_output_.append(bytes);
    if (last_output_.size() > 2 * kLastOutput) TrimOutput(kLastOutput);
    if (setup_.stream_output) Tell(OutputWritten{worker_, bytes});
  }

  void TrimOutput(size_t size) {
    if (last_output_.size() <= size) return;
    last_output_.erase(0, last_output_.size() - size);
  }

  void OnEnded(const ProcessEnded& e) {
    if (!e.start_error.empty()) {
      if (!e.no_program) {
        Refuse(Refusal::kBroken, e.start_error);
      } else {
        TryNext(e.start_error);
      }
    } else if (refused_ && refused_->why == Refusal::kNoFramework) {
      TryNext(absl::StrCat(absl::StrJoin(candidates_[next_candidate_ - 1], " "),
                           ": ", refused_->text));
    } else if (refused_) {
      Part(*refused_);
    } else if (finished_ && broken_.empty()) {
      Part(*finished_);
    } else {
      // What came past the capture was written last: a fault handler's dump.
      last_output_.insert(0, e.captured);
      Part(Death(DescribeEnd(e.wait_status)));
    }
  }

  void TryNext(std::string why_not) {
    tried_.push_back(std::move(why_not));
    refused_.reset();
    if (stopped_) {
      // The signal was for the process that is gone; no other may start.
      Part(Death("stopped before it started"));
    } else {
      Launch();
    }
  }

  void Part(NodeEvent last_word) {
    Tell(std::move(last_word));
    self_->quit();
  }

  WorkerDied Death(std::string how) {
    WorkerDied died;
    died.worker = worker_;
    died.cause = cause_;
    died.how = broken_.empty() ? std::move(how) : broken_;
    died.collected = collected_;
    died.was_running = running_.has_value();
    died.position = running_.value_or(0);
    if (running_) died.micros = RunningFor().count();
    TrimOutput(kLastOutput);
    died.last_output = std::move(last_output_);
    return died;
  }

  const Handle::pointer self_;
  const EventSinkHandle sink_;
  const WorkerId worker_;
  const WorkerSetup setup_;
  const FrameworkEntry* const framework_;
  const std::vector<std::string> env_;
  Processes* const processes_;

  std::vector<std::vector<std::string>> candidates_;
  size_t next_candidate_ = 0;
  std::vector<std::string> tried_;  // What each said that could not be used.
  std::vector<NodeCommand> early_;  // Sent before the process is configured.

  Processes::Key key_ = 0;
  std::unique_ptr<FrameworkSession> session_;
  bool configured_ = false;
  bool stopped_ = false;  // Interrupted or killed at the coordinator's wish.
  bool collected_ = false;
  std::string hash_;
  std::optional<uint32_t> running_;  // Position of the test that runs.
  Clock::time_point running_since_;
  bool ticking_ = false;
  std::string last_output_;
  DeathCause cause_ = DeathCause::kDied;
  std::string broken_;  // Why its words were not understood.
  std::optional<WorkerRefused> refused_;
  std::optional<WorkerFinished> finished_;
};

}  // namespace

WorkerHandle SpawnWorker(caf::actor_system& system, EventSinkHandle sink,
                         const StartWorker& start, Processes* processes) {
  return SpawnActor<WorkerActor>(system, std::move(sink), start, processes);
}

}  // namespace dist
