#include <sys/stat.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/time/clock.h"
#include "actors/node_actor.h"
#include "tests/support/actor_test.h"
#include "tests/support/fake_processes.h"
#include "tests/support/own_cache.h"

namespace dist {
namespace {

struct Heard {
  std::vector<NodeEvent> events;
  uint64_t consumed = 0;
  int closes = 0;
};

EventLinkHandle::behavior_type FakeLink(EventLinkHandle::pointer,
                                        std::shared_ptr<Heard> heard) {
  return {
      [heard](const EventMessage& e) { heard->events.push_back(e.event); },
      [heard](const Consumed& e) { heard->consumed += e.bytes; },
      [heard](CloseLink) { ++heard->closes; },
  };
}

class NodeTest : public ActorTest {
 protected:
  void Command(NodeCommand command) {
    Send(node_, CommandMessage{std::move(command), 10});
  }

  void Start(WorkerId worker) {
    StartWorker start;
    start.worker = worker;
    start.setup.framework = "pytest";
    start.setup.python = "python";
    Command(std::move(start));
  }

  template <class E>
  int Count() const {
    int count = 0;
    for (const NodeEvent& event : heard_->events) {
      count += std::holds_alternative<E>(event) ? 1 : 0;
    }
    return count;
  }

  template <class E>
  const E& Last() const {
    const E* last = nullptr;
    for (const NodeEvent& event : heard_->events) {
      if (const E* found = std::get_if<E>(&event)) last = found;
    }
    EXPECT_NE(last, nullptr);
    return *last;
  }

  // What the pump does: everything ends, then it says so.
  void FinishKillAll() {
    for (size_t i = 0; i < processes_.processes.size(); ++i) {
      if (processes_.processes[i].observer) processes_.Ends(i, 9);
    }
    for (const auto& done : std::exchange(processes_.kill_all, {})) done(0);
  }

  const OwnCache cache_;
  FakeProcesses processes_;
  std::shared_ptr<Heard> heard_ = std::make_shared<Heard>();
  int done_ = 0;
  EventLinkHandle link_ = Own(system_.spawn(FakeLink, heard_));
  NodeHandle node_ = Own(SpawnNode(
      system_, [this](NodeSinkHandle) { return link_; }, &processes_,
      [this] { ++done_; }));
};

TEST_F(NodeTest, SaysWhoItIsFirst) {
  Run();
  ASSERT_EQ(heard_->events.size(), 1u);
  const auto& ready = std::get<NodeReady>(heard_->events[0]);
  EXPECT_GE(ready.cpus, 1u);
  EXPECT_FALSE(ready.hostname.empty());
}

TEST_F(NodeTest, SaysWhatItsHostIsLike) {
  const absl::Time before = absl::Now();
  Command(ProbeHost{});
  Run();
  ASSERT_EQ(heard_->events.size(), 2u);
  const auto& probed = std::get<HostProbed>(heard_->events[1]);
  EXPECT_GE(probed.clock_micros, absl::ToUnixMicros(before));
  EXPECT_LE(probed.clock_micros, absl::ToUnixMicros(absl::Now()));
  EXPECT_EQ(probed.system.find("Linux "), 0u) << probed.system;
  EXPECT_GE(probed.cpus, std::get<NodeReady>(heard_->events[0]).cpus);
  EXPECT_EQ(probed.cache, cache_.path());
  EXPECT_EQ(probed.cache_error, "");
  EXPECT_EQ(probed.passed_over, "");
  EXPECT_GT(probed.free_bytes, 0u);
}

TEST_F(NodeTest, GivesCreditForEveryCommand) {
  Start(WorkerId(1));
  Command(FinishWorker{WorkerId(99)});  // Nobody; not an error.
  Command(ListCollection{"unknown"});
  Run();
  EXPECT_EQ(heard_->consumed, 30u);
}

TEST_F(NodeTest, TellsAWorkersLastWord) {
  Start(WorkerId(1));
  Run();
  processes_.Ends(0, 0);
  Run();
  EXPECT_EQ(Count<WorkerDied>(), 1);
  Command(KillWorker{WorkerId(1)});  // It crossed the last word.
  Run();
  EXPECT_EQ(Count<WorkerDied>(), 1);
}

TEST_F(NodeTest, KeepsLongCollectionsUntilAskedForThem) {
  const std::string id(20000, 'a');
  Send(node_, EventMessage{CollectionListed{"hash", {id}, {}}});
  Send(node_, EventMessage{CollectionReported{WorkerId(1), "hash", 1, 0}});
  Run();
  EXPECT_FALSE(Last<CollectionReported>().list_follows);
  EXPECT_EQ(Count<CollectionListed>(), 0);
  Command(ListCollection{"hash"});
  Run();
  EXPECT_EQ(Count<CollectionListed>(), 1);
}

TEST_F(NodeTest, SendsAShortCollectionOnceWithItsReport) {
  Send(node_, EventMessage{CollectionListed{"hash", {"a"}, {}}});
  Send(node_, EventMessage{CollectionReported{WorkerId(1), "hash", 1, 0}});
  Run();
  EXPECT_TRUE(Last<CollectionReported>().list_follows);
  EXPECT_EQ(Count<CollectionListed>(), 1);
  Send(node_, EventMessage{CollectionReported{WorkerId(2), "hash", 1, 0}});
  Run();
  EXPECT_FALSE(Last<CollectionReported>().list_follows);
  EXPECT_EQ(Count<CollectionListed>(), 1);
  Command(ListCollection{"hash"});
  Run();
  EXPECT_EQ(Count<CollectionListed>(), 2);
}

TEST_F(NodeTest, SaysGoodbyeOnceNothingIsLeft) {
  Start(WorkerId(1));
  Command(CloseNode{});
  Run();
  ASSERT_EQ(processes_.kill_all.size(), 1u);
  EXPECT_EQ(heard_->closes, 0);
  FinishKillAll();
  Run();
  EXPECT_EQ(heard_->closes, 1);
  EXPECT_EQ(done_, 0) << "the coordinator closes the link";
  Send(node_, LinkEnded{});
  Run();
  EXPECT_EQ(done_, 1);
}

TEST_F(NodeTest, KillsEverythingWhenTheCoordinatorIsGone) {
  Start(WorkerId(1));
  Send(node_, LinkEnded{});
  Run();
  ASSERT_EQ(processes_.kill_all.size(), 1u);
  EXPECT_EQ(done_, 0);
  FinishKillAll();
  Run();
  EXPECT_EQ(done_, 1);
}

TEST_F(NodeTest, EndsOnceWhenTheCoordinatorVanishesWhileItCloses) {
  Command(CloseNode{});
  Send(node_, LinkEnded{});
  Run();
  EXPECT_EQ(processes_.kill_all.size(), 1u);
  FinishKillAll();
  Run();
  EXPECT_EQ(done_, 1);
}

TEST_F(NodeTest, StartsNothingAfterItWasClosed) {
  Command(CloseNode{});
  Start(WorkerId(1));
  Run();
  EXPECT_TRUE(processes_.processes.empty());
}

TEST_F(NodeTest, MakesNoFolderBeforeThereIsSomethingToKeep) {
  Run();
  EXPECT_TRUE(std::get<NodeReady>(heard_->events[0]).fresh);
  Command(ProbeHost{});
  Run();
  EXPECT_FALSE(std::filesystem::exists(cache_.path()));
  Start(WorkerId(1));
  Run();
  EXPECT_TRUE(std::filesystem::exists(cache_.path() + "/artifacts"));
}

TEST_F(NodeTest, AnyDeliveryOrderEndsWithOneLastWordAWorker) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    FakeProcesses processes;
    auto heard = std::make_shared<Heard>();
    int done = 0;
    const EventLinkHandle link = Own(system_.spawn(FakeLink, heard));
    const NodeHandle node = SpawnNode(
        system_, [&](NodeSinkHandle) { return link; }, &processes,
        [&] { ++done; });
    for (uint32_t i = 0; i < 3; ++i) {
      StartWorker start;
      start.worker = WorkerId(i);
      start.setup.framework = "pytest";
      start.setup.python = "python";
      Send(node, CommandMessage{std::move(start), 1});
    }
    RunShuffled(seed);
    Send(node, CommandMessage{KillWorker{WorkerId(0)}, 1});
    processes.Ends(0, 9);
    processes.Ends(1, 0);
    Send(node, CommandMessage{FinishWorker{WorkerId(1)}, 1});
    RunShuffled(seed);
    Send(node, CommandMessage{CloseNode{}, 1});
    RunShuffled(seed);
    processes.Ends(2, 9);
    for (const auto& callback : processes.kill_all) callback(0);
    RunShuffled(seed);
    Send(node, LinkEnded{});
    RunShuffled(seed);
    EXPECT_EQ(done, 1);
    std::vector<int> last_words(3);
    for (const NodeEvent& event : heard->events) {
      if (const auto* died = std::get_if<WorkerDied>(&event)) {
        ++last_words[died->worker.value()];
      }
    }
    EXPECT_EQ(last_words, (std::vector<int>{1, 1, 1}));
  }
}

}  // namespace
}  // namespace dist
