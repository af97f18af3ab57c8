// The run machine: the whole life of a run as a state machine.
//
// Events in, commands out. It knows no clock, no thread, no I/O; the same
// events at the same times give the same commands. What can be wrong about a
// run (who runs what, retries, losses, stop rules, exit status) is here and is
// tested by simulation.
#ifndef DIST_CORE_RUN_RUN_MACHINE_H_
#define DIST_CORE_RUN_RUN_MACHINE_H_

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "core/model/node_messages.h"
#include "core/model/run_event.h"
#include "core/run/collection.h"
#include "core/run/fleet.h"
#include "core/run/ledger.h"
#include "core/run/run_command.h"
#include "core/run/run_plan.h"
#include "core/run/test_table.h"
#include "core/schedule/policy.h"

namespace dist {

using Commands = std::vector<RunCommand>;

class RunMachine {
 public:
  // REQUIRES: plan.mode is in the policy table; every worker's host and
  // platform exist.
  explicit RunMachine(RunPlan plan);
  RunMachine(const RunMachine&) = delete;
  RunMachine& operator=(const RunMachine&) = delete;

  // The first call. The others follow in any order.
  Commands Start(absl::Time now);
  // A node spoke over the current link to `host`.
  Commands OnNode(HostId host, const NodeEvent& event, absl::Time now);
  // The link to `host` ended; `text` says how. Also after CloseNode, and when
  // no link could be made.
  Commands OnHostLost(HostId host, const std::string& text, absl::Time now);
  // Ctrl-C. The second one kills.
  Commands OnInterrupt(const std::string& why, absl::Time now);
  Commands Wake(absl::Time now);

  bool ended() const { return phase_ == Phase::kEnded; }
  const Ledger& ledger() const { return ledger_; }
  const TestTable& tests() const { return tests_; }

 private:
  enum class Phase { kRunning, kStopping, kFinishing, kClosing, kEnded };
  enum class Stop { kNone, kFailures, kWorkerExit, kHostMissing, kInterrupt };

  // One handler an event; see node_messages.h.
  void On(HostId host, const NodeReady& e);
  void On(HostId host, const WorkerConfigured& e);
  void On(HostId host, const WorkerRefused& e);
  void On(HostId host, const CollectorReported& e);
  void On(HostId host, const CollectionReported& e);
  void On(HostId host, const CollectionListed& e);
  void On(HostId host, const TestsReported& e);
  void On(HostId host, const TestsReturned& e);
  void On(HostId host, const WarningRaised& e);
  void On(HostId host, const InternalErrorRaised& e);
  void On(HostId host, const LogEntryWritten& e);
  void On(HostId host, const OutputWritten& e);
  void On(HostId host, const WorkerFinished& e);
  void On(HostId host, const WorkerDied& e);
  // Syncing is over before a host is ready.
  void On(HostId, const SyncSaid&) {}
  void On(HostId, const HostProbed&) {}
  void On(HostId, const FetchSaid&) {}
  void On(HostId, const FetchEnded&) {}

  void NoteAnswer(Slot* slot, const TestsReported& e);
  void OnStep(Slot* slot, const TestStep& step);
  void OnStarted(Slot* slot, const TestStep& step);
  void LetGoOn(const Slot& slot);
  void OnDone(Slot* slot, const TestStep& step);
  void OnLate(Slot* slot, const TestStep& step);

  // Hosts.
  void CloseHost(HostId host);
  void CloseHosts();

  // Collections.
  void Attach(Slot* slot, size_t number);
  void Compare(const Slot& slot, const Collection& collection);
  void List(PlatformId platform, size_t number);
  void ReportCollector(Slot* slot, const PhaseReport& report);
  // Nobody has to wait for this slot's collection.
  bool Collected(const Slot& slot) const;
  size_t Deselected() const;

  // Work.
  void StartWorkers();
  bool WantsStart(const Slot& slot) const;
  void FeedIdle();
  void Feed(Slot* slot);
  void TellLease(const Slot& slot, std::vector<uint32_t> positions);
  void TellNext(Slot* slot);
  absl::Duration MeanTime() const;
  Demand DemandOf(const Slot& slot) const;
  Portion Measured(const Slot& slot, Portion portion) const;
  absl::Duration QueuedTime(const Slot& slot) const;
  Ledger::From EndFor(const Slot& slot);
  double ExpectedAt(const Slot& slot, uint32_t position) const;  // Seconds.

  // Stealing.
  void Steal();
  std::vector<Slot*> FindVictims();
  absl::Duration WorthMoving(const Slot& slot) const;
  bool IsWorthMoving(const Slot& slot) const;
  void WakeForSteal(absl::Time at);
  bool MayGiveAway(const Slot& slot) const;
  bool StealFor(const Slot& idle, absl::Span<Slot* const> victims,
                size_t shares);
  std::vector<uint32_t> Loot(const Slot& victim, const Slot& idle,
                             size_t shares) const;
  BundleId BundleAt(const Slot& slot, size_t i) const;
  size_t FirstMovable(const Slot& slot) const;
  bool CanRun(const Slot& slot, const Slot& holder, uint32_t position) const;
  bool WouldReturn(const Slot& slot, const Slot& holder,
                   uint32_t position) const;

  // What nobody can run any more.
  void GiveUpUnreachable();
  void GiveUp(PlatformId platform, TestIndex test);
  bool MayBeRun(PlatformId platform);

  // Ends of tests and workers.
  enum class Retry { kIfAsked, kNever };
  void Conclude(Slot* slot, TestIndex test, Verdict verdict,
                std::vector<PhaseReport> reports, PhaseMicros micros,
                Retry retry);
  void GiveBack(Slot* slot);
  // Judges the test that the death interrupted; returns its id, or "".
  std::string BlameTest(Slot* slot, const WorkerDied& death);
  void LoseWorker(Slot* slot, const WorkerDied& death, const std::string& text);
  void LoseRunningTest(Slot* slot);
  void Suspect(const Slot& slot);
  void JudgeSession(const Slot& slot, const WorkerFinished& e);

  // Ends of the run.
  void BeginStop(Stop stop, const std::string& why);
  void MissHost(HostId host);  // It cannot be used, or no longer.
  void HardenStop();
  void Abandon(Slot* slot);
  void CheckFailures();
  void CheckEnd();
  void FinishWorkers();
  void End();
  ExitStatus Status() const;
  int FrameworkStatus(ExitStatus status) const;

  // The slot whose current incarnation is `worker`, on that host, or null: what
  // others say, be it late or a lie, changes nothing.
  Slot* Find(HostId host, WorkerId worker);
  const std::string& HostName(const Slot& slot) const {
    return plan_.hosts[slot.plan->host.value()].name;
  }
  TestIndex TestAt(const Slot& slot, uint32_t position) const;
  TestJudged MakeJudged(const Slot& slot, TestIndex test, Verdict verdict,
                        PhaseMicros micros) const;
  void Tell(const Slot& slot, NodeCommand command);
  void Say(RunEvent event) { out_.push_back(Announce{std::move(event)}); }
  // What every event ends with: hands out, starts, gives up, ends.
  Commands Settle();

  const RunPlan plan_;
  const PolicyEntry& entry_;
  const std::unique_ptr<Policy> policy_;
  Fleet fleet_;
  TestTable tests_;
  std::deque<Collection> collections_;  // By number; a deque: stable.
  Ledger ledger_;

  Phase phase_ = Phase::kRunning;
  Stop stop_ = Stop::kNone;
  std::string stop_why_;
  int stop_hardness_ = 0;  // 0: asked, 1: interrupted, 2: killed.
  absl::Time stop_deadline_ = absl::InfiniteFuture();
  int worker_exit_status_ = 0;
  int usage_status_ = 0;  // Of the first that did not like its arguments.

  // Work may have come up for slots that are not speaking, or may have become
  // unreachable: look at all of them. Most events leave it false.
  bool replan_ = false;

  size_t next_victim_ = 0;  // The slot to look at first.
  absl::Time steal_wake_;   // When Wake() was last asked for, to steal.

  // What a platform's collections are compared with.
  struct Reference {
    const Slot* slot = nullptr;
    size_t collection = 0;
  };
  std::vector<Reference> references_;  // By PlatformId.
  std::vector<size_t> deselected_;     // By PlatformId.
  absl::flat_hash_set<std::pair<HostId, std::string>> asked_hashes_;
  absl::flat_hash_set<std::string> seen_collectors_;
  absl::flat_hash_set<std::string> notices_;
  absl::flat_hash_set<std::string> warnings_;  // Said once, whoever met them.
  size_t collect_errors_ = 0;
  size_t collect_skips_ = 0;
  size_t internal_errors_ = 0;
  size_t flaky_ = 0;
  size_t restarts_ = 0;
  size_t failures_ = 0;  // For --maxfail.
  bool collections_differ_ = false;
  bool bad_session_ = false;  // A session said "failed", no test did.
  size_t done_ = 0;
  absl::Duration busy_;  // Sum of the durations of `done_` tests.
  Pace pace_;            // Of all workers together.
  uint32_t next_lease_ = 0;

  absl::Time now_;
  Commands out_;
};

}  // namespace dist

#endif  // DIST_CORE_RUN_RUN_MACHINE_H_
