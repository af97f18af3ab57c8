// What must be true of a run machine whatever happens to it. Knows only what
// the machine was told and what it answered.
//
// The rules, each in the form that is true for every policy:
//   I1  Every test of the run gets one verdict, and one only.
//   I2  A verdict is about the attempt that is under way, from who holds it.
//   I3  Who is said to have crashed died, or three nodes were lost with it.
//   I4  Of those losses all but the first had it running for sure: it had said
//       so, or its worker knew of no other test.
//   I5  Retries, replacements, and nodes that one test takes down, are bounded.
//   I6  Nobody gets a test that another holds; under `each`, on its platform.
//   I7  Words of the dead change nothing, and no worker's number comes twice.
//   I8  A worker gets no more ahead than its policy allows: `each` half as much
//       again as a portion; worksteal its share, when it has nothing; others
//       what the round trip and the horizon ask for, at the worker's pace.
//   I9  The run ends, once.
//   I10 After a stop nothing begins, and it does not take long.
//   I11 What must stay together is on one worker at a time, in order.
//   I12 What a worker collected has a verdict on its platform, and is lost only
//       if nobody there has it any more.
//   I13 Exit status and last counts follow from the verdicts.
//   I14 No worker that could run it idles while a test is pending, or waits
//       behind another in a queue for longer than moving it takes; but what
//       looks shorter than that may wait while its worker goes on, and a test
//       of less than 50 ms need not move to who has left its module.
//   I15 What is remembered does not grow beyond the tests.
//   I16 The same seed gives the same commands (sim_test.cc).
#ifndef DIST_TESTS_SIM_SIM_CHECKER_H_
#define DIST_TESTS_SIM_SIM_CHECKER_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "core/run/run_machine.h"
#include "core/schedule/policy.h"

namespace dist {

class SimChecker {
 public:
  // No answer of a worker that is idle takes longer than `round_trip`. Keeps
  // references to plan and machine.
  SimChecker(const RunPlan& plan, const RunMachine& machine,
             int64_t round_trip);

  // The worker that says it; invalid if it is the node itself.
  static WorkerId SpeakerOf(const NodeEvent& event);

  // Before the machine hears it. Returns whether the words are stale: then
  // nothing may come of them.
  bool BeforeEvent(HostId host, const NodeEvent& event);
  void BeforeHostLost(HostId host);
  // That test of that slot takes its node down, now.
  void BeforeKill(uint32_t slot, const std::string& id);
  // After each call, with what came of it.
  void AfterCall(const Commands& commands, bool stale, int64_t now);
  // When nothing is left that could happen.
  void AtEnd();

  // The first violation, "I6: ..."; empty if there is none.
  const std::string& violation() const { return violation_; }
  // The machine was told that the worker is gone.
  bool IsOver(WorkerId worker) const {
    return worker.value() < workers_.size() && workers_[worker.value()].over;
  }
  bool ended() const { return ends_ > 0; }
  int status() const { return status_; }
  size_t judged() const { return judged_; }
  // 0: collecting, 1: running, 2: stopping, 3: finishing or closing.
  int phase() const;
  // No host was left while tests had no verdict.
  bool all_hosts_lost() const { return all_hosts_lost_; }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  enum class Link { kConnecting, kUp, kGone };
  // What workers of one hash collected, by position; tests, bundles and
  // modules by numbers of our own.
  struct List {
    bool listed = false;
    std::vector<uint32_t> tests;
    std::vector<uint32_t> bundles;  // kNone: on its own.
    bool bundled = false;           // Some are not.
    std::vector<bool> has;          // By test: it is there, and selected.
  };
  struct Worker {
    bool known = false;
    uint32_t slot = 0;
    uint32_t platform = 0;
    bool over = false;
    bool finishing = false;
    bool said_bad = false;
    bool failed_late = false;  // After the failures that were enough.
    bool collected = false;
    const List* list = nullptr;
    std::vector<uint32_t> leased;  // In order.
    int64_t leased_at = 0;         // When it last got something, or was asked
                                   // for something too late.
    int64_t reported_at = 0;
    int64_t idle_since = -1;   // Nothing leased since then; -1: not idle.
    uint32_t running = kNone;  // A test.
    uint32_t module = kNone;   // Of the test that began last.
    std::vector<bool> left;    // Modules it is through with.
  };
  struct Unit {
    bool held = false;
    bool judged = false;
    Verdict verdict = Verdict::kPassed;
    int losses = 0;           // Nodes lost with it, and of those the ones
    int sure = 0;             // where nothing else can have been running.
    int kills = 0;            // Nodes it took down.
    uint32_t again = 0;       // Tries that were no verdict, and of those the
    uint32_t retries = 0;     // ones that failed.
    uint64_t ended = 0;       // The event that said how a try ended.
    uint64_t died = 0;        // Likewise, by its worker's death.
    uint32_t holder = kNone;  // A bundle's: of `count` of its tests.
    int count = 0;
  };

  void AddList(const CollectionListed& listed);
  void Hear(Worker* worker, const NodeEvent& event);
  void SeeBegun(Worker* worker, uint32_t test);
  void HearSteps(Worker* worker, const TestsReported& reported);
  void HearEnd(Worker* worker, int session_status);
  void LoseTest(Worker* worker);
  void Foresee(const RunCommand& command);
  void See(const RunCommand& command);
  void SeeTold(HostId host, const NodeCommand& command);
  void SeeStart(HostId host, const StartWorker& start);
  void SeeLease(HostId host, const RunTests& run);
  void SeeBundles(const Worker& worker, const RunTests& run);
  void SeeFailures();
  void SeeLateFailure(const TestJudged& judged);
  void SeeAgain(const TestTriedAgain& again);
  void SeeAmended(const VerdictAmended& amended);
  void SeeGrown(const CollectionGrew& grew);
  // Removes the lease; whether there was one.
  bool Unhold(Worker* worker, uint32_t position);
  void CheckAhead(const Worker& worker, const RunTests& run);
  void CheckAheadBy(const Worker& worker, const RunTests& run);
  void CheckAheadByCount(size_t before);
  void CheckAheadByTime(const Worker& worker, const RunTests& run,
                        size_t before);
  void CheckShare(const Worker& worker, const RunTests& run);
  size_t Ahead(const Worker& worker, const RunTests& run) const;
  size_t CountSharers(uint32_t platform, bool idle) const;
  void CheckMemory();
  void CheckIdle(int64_t now);
  int64_t Patience() const;
  void CheckIdle(const Worker& idle);
  bool HasMovable(const Worker& busy, const Worker& idle) const;
  bool LooksShort(const Worker& busy) const;
  bool MayStay(const Worker& idle, uint32_t test) const;
  void CheckPending(const Worker& idle);
  void CheckListed();
  void SeeSaid(const RunEvent& event);
  void SeeJudged(const TestJudged& judged);
  void SeeEnd(const EndRun& end);
  int ExpectedStatus() const;
  bool AnyoneHas(uint32_t platform, uint32_t test) const;
  // kNone if nobody has said what is there.
  uint32_t TestAt(const Worker& worker, uint32_t position) const;
  uint32_t BundleAt(const Worker& worker, uint32_t position) const {
    return worker.list->bundles[position];
  }
  double ExpectedAt(const Worker& worker, uint32_t position) const {
    return expected_[worker.list->tests[position]];
  }
  // The number of that name, a new one if need be.
  uint32_t Number(absl::string_view name,
                  absl::flat_hash_map<std::string, uint32_t>* numbers);
  uint32_t TestOf(TestIndex test);
  Unit& UnitOf(uint32_t platform, uint32_t test);
  Unit& BundleOf(uint32_t platform, uint32_t bundle);
  static Unit& At(std::vector<std::vector<Unit>>* units, uint32_t platform,
                  uint32_t number);
  void Fail(const char* rule, const std::string& what);

  const RunPlan& plan_;
  const PolicyEntry& entry_;
  const RunMachine& machine_;
  const int64_t round_trip_;
  std::vector<Link> hosts_;
  std::vector<Worker> workers_;        // By WorkerId.
  std::map<std::string, List> lists_;  // By hash.
  absl::flat_hash_map<std::string, uint32_t> tests_;
  absl::flat_hash_map<std::string, uint32_t> bundles_;
  absl::flat_hash_map<std::string, uint32_t> modules_;
  std::vector<uint32_t> module_of_;       // By test.
  std::vector<double> expected_;          // Likewise, seconds.
  std::vector<uint32_t> test_of_;         // By TestIndex.
  std::vector<std::vector<Unit>> units_;  // By platform, test.
  std::vector<std::vector<Unit>> bundle_units_;
  std::vector<Pace> paces_;  // By slot.
  Pace pace_;                // Of all.
  uint64_t event_ = 0;       // Number of the one under way.
  size_t judged_ = 0;
  std::vector<size_t> counts_;      // By verdict.
  uint32_t asked_in_vain_ = kNone;  // A worker, by the event under way.
  uint32_t reporter_ = kNone;       // Likewise, who reports tests.
  size_t unseen_tests_ = 0;  // Of the leases of this call that are still to be
  double unseen_time_ = 0;   // looked at, in seconds. Not under `each`.
  uint32_t replaced_ = 0;
  size_t failures_ = 0;
  size_t done_ = 0;   // Tests that ran to their end,
  int64_t busy_ = 0;  // and what they took.
  int64_t now_ = 0;
  int64_t idle_checked_ = 0;
  int64_t stopped_at_ = 0;
  bool finishing_ = false;
  bool all_hosts_lost_ = false;
  bool differ_ = false;
  bool stop_due_ = false;
  bool stopped_ = false;
  bool internal_error_ = false;
  bool bad_session_ = false;
  bool collect_error_ = false;
  bool usage_ = false;
  // By platform, what workers collected while the list was open.
  std::vector<std::vector<const List*>> grown_;
  bool any_collected_ = false;  // While its worker lived.
  int ends_ = 0;
  int run_ended_ = 0;
  size_t unrun_ = 0;
  int status_ = -1;
  std::string violation_;
};

}  // namespace dist

#endif  // DIST_TESTS_SIM_SIM_CHECKER_H_
