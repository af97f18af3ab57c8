#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "actors/coordinator_actor.h"
#include "tests/support/actor_test.h"

namespace dist {
namespace {

struct Seen {
  std::vector<MakeConnection> connects;
  std::vector<BuryHost> burials;
  int leaves = 0;
  int syncers = 0;                                         // Made.
  int replies = 0;                                         // That they heard.
  std::vector<std::pair<uint32_t, NodeCommand>> commands;  // By link number.
  std::vector<RunEvent> events;
  std::optional<EndRun> end;
};

class Recorder : public Reporter {
 public:
  explicit Recorder(Seen* seen) : seen_(*seen) {}
  void OnEvent(const RunEvent& event) override {
    seen_.events.push_back(event);
  }

 private:
  Seen& seen_;
};

HostKeeperHandle::behavior_type FakeKeeper(HostKeeperHandle::pointer,
                                           Seen* seen) {
  return {
      [seen](const MakeConnection& e) { seen->connects.push_back(e); },
      [seen](const BuryHost& e) { seen->burials.push_back(e); },
      [seen](Leave) { ++seen->leaves; },
      [](const AttemptEnded&) {},
  };
}

CommandLinkHandle::behavior_type FakeLink(CommandLinkHandle::pointer,
                                          uint32_t number, Seen* seen) {
  return {
      [=](const CommandMessage& e) {
        seen->commands.emplace_back(number, e.command);
      },
      [](const SendFramed&) {},
      [](const Consumed&) {},
  };
}

SyncerHandle::behavior_type FakeSyncer(SyncerHandle::pointer, Seen* seen) {
  return {
      [=](const HostSpoke&) { ++seen->replies; },
  };
}

class CoordinatorTest : public ActorTest {
 protected:
  enum class Trees { kNone, kOne };

  void StartRun(Trees trees = Trees::kNone) {
    auto setup = std::make_shared<Coordinator::Setup>();
    setup->plan.mode = "load";
    setup->plan.hosts = {{"here"}};
    setup->plan.platforms = {"linux"};
    PlannedWorker worker;
    worker.host = HostId(0);
    worker.platform = PlatformId(0);
    worker.setup.name = "gw0";
    if (trees == Trees::kOne) {
      worker.setup.tree = 1;
      worker.setup.chdir = "sub";
      setup->sync.blocks = std::make_shared<BlockMaker>(nullptr, FrameSyncTold);
      setup->sync.folders = {{""}};
    }
    setup->plan.workers = {worker};
    setup->addresses.resize(1);
    setup->reporters = {&recorder_};
    setup->tick = absl::Seconds(1);
    CoordinatorParts parts;
    parts.make_keeper = [this](KeeperSinkHandle) {
      return Own(system_.spawn(FakeKeeper, &seen_));
    };
    parts.make_link = [this](LinkSocket socket, HostId, uint32_t number,
                             HostSinkHandle) {
      close(socket.fd);
      return Own(system_.spawn(FakeLink, number, &seen_));
    };
    parts.make_syncer = [this](HostId, uint32_t, bool, CommandLinkHandle,
                               SyncSinkHandle) {
      ++seen_.syncers;
      return Own(system_.spawn(FakeSyncer, &seen_));
    };
    parts.done = [this](const EndRun& end) { seen_.end = end; };
    coordinator_ = Own(SpawnCoordinator(system_, setup, std::move(parts)));
    Run();
  }

  static int SomeFd() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

  void Connected(uint32_t number) {
    Send(coordinator_, HostConnected{HostId(0), number, SomeFd()});
  }
  void Spoke(uint32_t number, NodeEvent event) {
    Send(coordinator_, HostSpoke{HostId(0), number, std::move(event), 1});
  }
  void Gone(uint32_t number, const std::string& text) {
    Send(coordinator_, HostGone{HostId(0), number, text});
  }

  template <class C>
  int Told(uint32_t number) const {
    int count = 0;
    for (const auto& [link, command] : seen_.commands) {
      count += link == number && std::holds_alternative<C>(command) ? 1 : 0;
    }
    return count;
  }

  Seen seen_;
  Recorder recorder_{&seen_};
  CoordinatorHandle coordinator_;
};

TEST_F(CoordinatorTest, ConnectsAndStartsWorkersOnceTheNodeIsReady) {
  StartRun();
  ASSERT_EQ(seen_.connects.size(), 1u);
  Connected(1);
  Run();
  EXPECT_EQ(Told<StartWorker>(1), 0);
  Spoke(1, NodeReady{});
  Run();
  EXPECT_EQ(Told<StartWorker>(1), 1);
}

TEST_F(CoordinatorTest, AHostIsReadyWhenItsTreesAreThere) {
  StartRun(Trees::kOne);
  Connected(1);
  Spoke(1, NodeReady{});
  Spoke(1, NodeReady{});  // Saying it twice changes nothing.
  Spoke(1, SyncSaid{1, ManifestWanted{}});
  Run();
  EXPECT_EQ(seen_.syncers, 1);
  EXPECT_EQ(seen_.replies, 1);
  EXPECT_EQ(Told<StartWorker>(1), 0);
  Send(coordinator_, HostSynced{HostId(0), 1, {"/tree"}, {}, ""});
  Run();
  ASSERT_EQ(Told<StartWorker>(1), 1);
  const auto& start = std::get<StartWorker>(seen_.commands.back().second);
  EXPECT_EQ(start.setup.chdir, "/tree/sub");
}

TEST_F(CoordinatorTest, AHostThatCannotHaveItsTreesIsClosedAndNotTriedAgain) {
  StartRun(Trees::kOne);
  Connected(1);
  Spoke(1, NodeReady{});
  Run();
  Send(coordinator_, HostSynced{HostId(0), 1, {}, {}, "the disk is full"});
  Run();
  EXPECT_EQ(Told<CloseNode>(1), 1);
  Send(coordinator_, LinkEnded{HostId(0), 1, ""});
  Gone(1, "");
  Run();
  EXPECT_EQ(seen_.connects.size(), 1u);
  ASSERT_TRUE(seen_.end.has_value());
  EXPECT_EQ(seen_.end->status, ExitStatus::kNoHost);
  bool said = false;
  for (const RunEvent& event : seen_.events) {
    const auto* lost = std::get_if<WorkerLost>(&event);
    said = said || (lost != nullptr && lost->text == "the disk is full");
  }
  EXPECT_TRUE(said);
}

TEST_F(CoordinatorTest, AHostThatCannotBeReachedEndsTheRun) {
  StartRun();
  Gone(1, "no such host");
  Run();
  ASSERT_TRUE(seen_.end.has_value());
  EXPECT_NE(seen_.end->status, ExitStatus::kOk);
  EXPECT_EQ(seen_.leaves, 1);
}

TEST_F(CoordinatorTest, TellsTheUserWhatIsNotedOfAHost) {
  StartRun();
  Send(coordinator_, HostNoted{"a: using the ssh program"});
  Gone(1, "no such host");
  Run();
  std::vector<std::string> notices;
  for (const RunEvent& event : seen_.events) {
    const auto* notice = std::get_if<NoticeGiven>(&event);
    if (notice != nullptr) notices.push_back(notice->text);
  }
  ASSERT_FALSE(notices.empty());
  EXPECT_EQ(notices[0], "host a: using the ssh program");
}

TEST_F(CoordinatorTest, BuriesAHostBeforeItCountsAsLost) {
  StartRun();
  Connected(1);
  Spoke(1, NodeReady{});
  Run();
  Send(coordinator_, LinkEnded{HostId(0), 1, "cut"});
  Run();
  ASSERT_EQ(seen_.burials.size(), 1u);
  EXPECT_EQ(seen_.burials[0].text, "cut");
  EXPECT_EQ(seen_.connects.size(), 1u) << "not yet: it may still run tests";
  Gone(1, "cut");
  Run();
  EXPECT_EQ(seen_.connects.size(), 2u) << "a host that was up is tried again";
}

TEST_F(CoordinatorTest, IgnoresWhatAnOldConnectionSays) {
  StartRun();
  Connected(1);
  Spoke(1, NodeReady{});
  Send(coordinator_, LinkEnded{HostId(0), 1, "cut"});
  Gone(1, "cut");
  Connected(2);
  Run();
  Spoke(1, NodeReady{});
  Send(coordinator_, LinkEnded{HostId(0), 1, "cut again"});
  Gone(1, "gone again");
  Run();
  EXPECT_EQ(Told<StartWorker>(2), 0);
  EXPECT_EQ(seen_.burials.size(), 1u);
  Spoke(2, NodeReady{});
  Run();
  EXPECT_EQ(Told<StartWorker>(2), 1);
}

TEST_F(CoordinatorTest, ASecondEndOfTheSameLinkChangesNothing) {
  StartRun();
  Connected(1);
  Spoke(1, NodeReady{});
  Send(coordinator_, LinkEnded{HostId(0), 1, "cut"});
  Send(coordinator_, LinkEnded{HostId(0), 1, "cut"});
  Run();
  EXPECT_EQ(seen_.burials.size(), 1u);
}

TEST_F(CoordinatorTest, GivesUpAHostThatIsStillBeingConnected) {
  StartRun();
  Send(coordinator_, StopRequested{"interrupted"});
  Run();
  ASSERT_TRUE(seen_.end.has_value()) << "without waiting for the connection";
  EXPECT_EQ(seen_.leaves, 1) << "the keeper ends what comes of it";
}

TEST_F(CoordinatorTest, LeavesANodeThatDoesNotEnd) {
  StartRun();
  Connected(1);
  Spoke(1, NodeReady{});
  Run();
  Send(coordinator_, StopRequested{"interrupted"});
  Run();
  Spoke(1, WorkerFinished{WorkerId(0), 2, "", true});
  Run();
  ASSERT_EQ(Told<CloseNode>(1), 1);
  EXPECT_TRUE(seen_.burials.empty());
  Advance(std::chrono::seconds(9));
  EXPECT_TRUE(seen_.burials.empty());
  Advance(std::chrono::seconds(2));
  ASSERT_EQ(seen_.burials.size(), 1u);
  EXPECT_FALSE(seen_.end.has_value());
  Gone(1, "killed");
  Run();
  ASSERT_TRUE(seen_.end.has_value());
  EXPECT_EQ(seen_.end->status, ExitStatus::kInterrupted);
}

TEST_F(CoordinatorTest, AnyDeliveryOrderOfALossAndAStopEndsTheRun) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    seen_ = Seen();
    StartRun();
    Connected(1);
    Spoke(1, NodeReady{});
    RunShuffled(seed);
    caf::anon_send(coordinator_, LinkEnded{HostId(0), 1, "cut"});
    caf::anon_send(coordinator_, StopRequested{"interrupted"});
    RunShuffled(seed);
    Gone(1, "cut");
    RunShuffled(seed);
    EXPECT_TRUE(seen_.end.has_value());
    EXPECT_EQ(seen_.leaves, 1);
  }
}

}  // namespace
}  // namespace dist
