#include "actors/worker.h"

#include <signal.h>

#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/framework/pytest_records.h"
#include "tests/support/actor_test.h"
#include "tests/support/fake_processes.h"

namespace dist {
namespace {

using Events = std::shared_ptr<std::vector<NodeEvent>>;

EventSinkHandle::behavior_type Sink(EventSinkHandle::pointer, Events seen) {
  return {[seen](const EventMessage& e) { seen->push_back(e.event); }};
}

std::string Record(char kind, const std::string& payload) {
  std::string out;
  AppendRecord(kind, payload, &out);
  return out;
}

std::string Started(char position) {
  return Record('S', std::string{position, 0, 0, 0});
}
std::string Done(char position) {
  return Record('D', std::string{position, 0, 0, 0} + std::string(16, '\0'));
}

// The list of five tests, which come before any step of them.
std::string Listed() {
  const std::string head = R"({"count": 5})";
  return Record('L', std::string{static_cast<char>(head.size()), 0, 0, 0} +
                         head + std::string("a\0b\0c\0d\0e", 9));
}

const char kConfigured[] = R"({"pid": 7, "python": "3", "pytest": "7"})";
constexpr int kExitedWith3 = 3 << 8;

class WorkerTest : public ActorTest {
 protected:
  void Start() {
    StartWorker start;
    start.worker = id_;
    start.setup = setup_;
    worker_ = Own(SpawnWorker(system_, sink_, start, &processes_));
    Run();
  }

  template <class E>
  std::vector<E> Seen() const {
    std::vector<E> found;
    for (const NodeEvent& event : *seen_) {
      if (const auto* e = std::get_if<E>(&event)) found.push_back(*e);
    }
    return found;
  }

  // The number of records F that a process got.
  static int Finishes(const FakeProcesses::Process& process) {
    const std::string finish = Record('F', "");
    int count = 0;
    for (size_t at = process.written.find(finish); at != std::string::npos;
         at = process.written.find(finish, at + 1)) {
      ++count;
    }
    return count;
  }

  void Command(NodeCommand command) {
    Send(worker_, CommandMessage{std::move(command), 0});
  }

  // `count` interpreters along PATH.
  void Interpreters(int count) {
    std::string path;
    for (int i = 0; i < count; ++i) {
      const std::string folder =
          absl::StrCat(::testing::TempDir(), "/interpreters/", i);
      std::filesystem::create_directories(folder);
      std::error_code exists;
      std::filesystem::create_symlink("/bin/true", folder + "/python3", exists);
      absl::StrAppend(&path, i == 0 ? "" : ":", folder);
    }
    setup_.python = "";
    setup_.env = {{"VIRTUAL_ENV", ""}, {"PATH", path}};
  }

  const WorkerId id_{5};
  WorkerSetup setup_ = [] {
    WorkerSetup setup;
    setup.name = "gw0";
    setup.framework = "pytest";
    setup.python = "some-python";
    return setup;
  }();
  FakeProcesses processes_;
  Events seen_ = std::make_shared<std::vector<NodeEvent>>();
  EventSinkHandle sink_ = Own(system_.spawn(Sink, seen_));
  WorkerHandle worker_;
};

TEST_F(WorkerTest, StartsTheInterpreterAskedForWithItsSession) {
  setup_.python = "some-python -X dev";
  setup_.chdir = "/there";
  setup_.nice = 3;
  Start();
  ASSERT_EQ(processes_.processes.size(), 1u);
  const ProcessRequest& request = processes_.processes[0].request;
  EXPECT_EQ(request.argv[0], "some-python");
  EXPECT_EQ(request.argv[2], "dev");
  EXPECT_EQ(request.cwd, "/there");
  EXPECT_EQ(request.nice, 3);
  EXPECT_FALSE(processes_.processes[0].written.empty());
}

TEST_F(WorkerTest, SaysThatItFinishedOnlyWhenTheProcessIsGone) {
  Start();
  processes_.Says(
      0, Record('H', kConfigured) + Record('Z', R"({"exitstatus": 1})"));
  Run();
  EXPECT_TRUE(Seen<WorkerFinished>().empty());
  processes_.Ends(0, 1 << 8);
  Run();
  ASSERT_EQ(Seen<WorkerFinished>().size(), 1u);
  EXPECT_EQ(Seen<WorkerFinished>()[0].status, 1);
}

TEST_F(WorkerTest, SaysWhatItWasDoingWhenItDied) {
  Start();
  processes_.Says(0, Record('H', kConfigured) + Listed() + Started(3) +
                         Done(3) + Started(4));
  processes_.Writes(0, "Fatal Python error");
  processes_.Ends(0, SIGSEGV, "printed\n");
  Run();
  ASSERT_EQ(Seen<WorkerDied>().size(), 1u);
  const WorkerDied died = Seen<WorkerDied>()[0];
  EXPECT_EQ(died.how, "SIGSEGV");
  EXPECT_TRUE(died.was_running);
  EXPECT_EQ(died.position, 4u);
  EXPECT_EQ(died.last_output, "printed\nFatal Python error");
}

TEST_F(WorkerTest, KeepsOnlyTheEndOfTheOutput) {
  Start();
  for (int i = 0; i < 100; ++i) {
    processes_.Writes(0, std::string(10000, 'a'));
    Run();
  }
  processes_.Writes(0, "the end");
  processes_.Ends(0, kExitedWith3);
  Run();
  const WorkerDied died = Seen<WorkerDied>().at(0);
  EXPECT_EQ(died.last_output.size(), 64u << 10);
  EXPECT_TRUE(absl::EndsWith(died.last_output, "the end"));
  EXPECT_TRUE(Seen<OutputWritten>().empty()) << "without -s nobody asked";
}

TEST_F(WorkerTest, TriesTheNextInterpreterIfOneLacksTheFramework) {
  Interpreters(2);
  Start();
  processes_.Says(0, Record('N', R"({"reason": "no pytest"})"));
  processes_.Ends(0, 0);
  Run();
  ASSERT_EQ(processes_.processes.size(), 2u);
  EXPECT_NE(processes_.processes[0].request.argv[0],
            processes_.processes[1].request.argv[0]);
  EXPECT_TRUE(seen_->empty());
}

TEST_F(WorkerTest, PassesAnEarlyCommandOnceToTheProcessThatRuns) {
  Interpreters(3);
  Start();
  Command(FinishWorker{id_});
  Run();
  for (size_t i = 0; i < 2; ++i) {
    ASSERT_EQ(processes_.processes.size(), i + 1);
    EXPECT_EQ(Finishes(processes_.processes[i]), 1) << i;
    processes_.Says(i, Record('N', R"({"reason": "no pytest"})"));
    processes_.Ends(i, 0);
    Run();
  }
  EXPECT_EQ(Finishes(processes_.processes[2]), 1);
}

TEST_F(WorkerTest, AKillThatCrossesTheEndOfAnInterpreterIsNotLost) {
  for (const bool kill : {true, false}) {
    SCOPED_TRACE(kill);
    processes_.processes.clear();
    seen_->clear();
    Interpreters(2);
    Start();
    processes_.Says(0, Record('N', R"({"reason": "no pytest"})"));
    if (kill) {
      Command(KillWorker{id_});
    } else {
      Command(InterruptWorker{id_});
    }
    processes_.Ends(0, 0);
    Run();
    EXPECT_EQ(processes_.processes.size(), 1u) << "nothing was started again";
    ASSERT_EQ(Seen<WorkerDied>().size(), 1u);
    EXPECT_EQ(Seen<WorkerDied>()[0].cause,
              kill ? DeathCause::kKilled : DeathCause::kDied);
  }
}

TEST_F(WorkerTest, NamesEveryInterpreterThatCouldNotBeUsed) {
  Start();
  processes_.NeverRan(0, absl::NotFoundError("some-python: not found"));
  Run();
  ASSERT_EQ(Seen<WorkerRefused>().size(), 1u);
  EXPECT_EQ(Seen<WorkerRefused>()[0].why, Refusal::kNoFramework);
  EXPECT_TRUE(absl::StrContains(Seen<WorkerRefused>()[0].text,
                                "some-python: not found"));
}

TEST_F(WorkerTest, AFaultOfTheMachineIsNoReasonToTryOtherInterpreters) {
  Interpreters(2);
  Start();
  processes_.NeverRan(
      0, absl::ResourceExhaustedError("fork: Resource unavailable"));
  Run();
  EXPECT_EQ(processes_.processes.size(), 1u);
  ASSERT_EQ(Seen<WorkerRefused>().size(), 1u);
  EXPECT_EQ(Seen<WorkerRefused>()[0].why, Refusal::kBroken);
  EXPECT_EQ(Seen<WorkerRefused>()[0].text, "fork: Resource unavailable");
}

TEST_F(WorkerTest, RefusesAnUnknownFrameworkAndEnds) {
  setup_.framework = "no-such";
  Start();
  ASSERT_EQ(Seen<WorkerRefused>().size(), 1u);
  EXPECT_TRUE(processes_.processes.empty());
  EXPECT_TRUE(caf::actor_cast<caf::abstract_actor*>(worker_)->getf(
      caf::abstract_actor::is_terminated_flag));
}

TEST_F(WorkerTest, KillsAProcessThatTalksNonsenseAndSaysWhichFirst) {
  Start();
  processes_.Says(0, Record('?', "{}"));
  processes_.Says(0, "more");
  Run();
  EXPECT_EQ(processes_.processes[0].signals, std::vector<int>{SIGKILL});
  processes_.Ends(0, SIGKILL);
  Run();
  const WorkerDied died = Seen<WorkerDied>().at(0);
  EXPECT_TRUE(absl::EndsWith(died.how, "unknown kind")) << died.how;
}

TEST_F(WorkerTest, InterruptsAndKills) {
  Start();
  Command(InterruptWorker{id_});
  Command(KillWorker{id_});
  Run();
  EXPECT_EQ(processes_.processes[0].signals,
            (std::vector<int>{SIGINT, SIGKILL}));
  processes_.Ends(0, SIGKILL);
  Run();
  EXPECT_EQ(Seen<WorkerDied>().at(0).cause, DeathCause::kKilled);
}

TEST_F(WorkerTest, SendsTheListBeforeItIsReportedUnderOneHash) {
  Start();
  const std::string head = R"({"count": 2, "deselected": 1})";
  processes_.Says(
      0, Record('L', std::string{static_cast<char>(head.size()), 0, 0, 0} +
                         head + std::string("a\0b", 3)));
  Run();
  ASSERT_EQ(seen_->size(), 2u);
  const auto& listed = std::get<CollectionListed>(seen_->at(0));
  const auto& reported = std::get<CollectionReported>(seen_->at(1));
  EXPECT_EQ(listed.hash, reported.hash);
  EXPECT_EQ(listed.hash.size(), 64u);
  EXPECT_EQ(reported.count, 2u);
}

TEST_F(WorkerTest, AnyDeliveryOrderHasOneLastWordAndItIsTheLast) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    seen_->clear();
    processes_.processes.clear();
    StartWorker start;
    start.worker = id_;
    start.setup = setup_;
    setup_.stream_output = true;
    worker_ = SpawnWorker(system_, sink_, start, &processes_);
    RunShuffled(seed);
    processes_.Says(0, Record('H', kConfigured) + Listed() + Started(0));
    Command(KillWorker{id_});
    processes_.Writes(0, "x");
    processes_.Says(0, Done(0) + Record('Z', R"({"exitstatus": 0})"));
    processes_.Ends(0, seed % 2 == 0 ? 0 : SIGKILL);
    Command(FinishWorker{id_});
    RunShuffled(seed);
    EXPECT_EQ(Seen<WorkerFinished>().size(), 1u);
    EXPECT_TRUE(std::holds_alternative<WorkerFinished>(seen_->back()));
  }
}

}  // namespace
}  // namespace dist
