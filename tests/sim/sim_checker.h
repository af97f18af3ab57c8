// What must be true of a run machine whatever happens to it. Knows only what
// the machine was told and what it answered.
#ifndef DIST_TESTS_SIM_SIM_CHECKER_H_
#define DIST_TESTS_SIM_SIM_CHECKER_H_

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/run/run_machine.h"

namespace dist {

class SimChecker {
 public:
  // No answer of a worker that is idle takes longer than `round_trip`.
  SimChecker(const RunPlan& plan, const RunMachine& machine, int64_t round_trip)
      : plan_(plan),
        machine_(machine),
        round_trip_(round_trip),
        hosts_(plan.hosts.size()) {}

  // The worker that says it; invalid if it is the node itself.
  static WorkerId SpeakerOf(const NodeEvent& event);

  // Before the machine hears it. Returns whether the words are stale: then
  // nothing may come of them.
  bool BeforeEvent(HostId host, const NodeEvent& event);
  void BeforeHostLost(HostId host);
  // After each call, with what came of it.
  void AfterCall(const Commands& commands, bool stale, int64_t now);
  // When nothing is left that could happen.
  void AtEnd();

  // The first violation; empty if there is none.
  const std::string& violation() const { return violation_; }
  // The machine was told that the worker is gone.
  bool IsOver(WorkerId worker) const {
    const auto found = workers_.find(worker.value());
    return found != workers_.end() && found->second.over;
  }
  bool ended() const { return ends_ > 0; }
  int status() const { return status_; }
  size_t judged() const { return verdicts_.size(); }
  // 0: collecting, 1: running, 2: stopping, 3: finishing or closing.
  int phase() const;
  // No host was left while tests had no verdict.
  bool all_hosts_lost() const { return all_hosts_lost_; }

 private:
  using UnitKey = std::pair<uint32_t, std::string>;  // Platform, id.
  enum class Link { kConnecting, kUp, kGone };
  struct Worker {
    uint32_t slot = 0;
    bool over = false;
    bool finishing = false;
    bool said_bad = false;
    bool collected = false;
    std::string hash;
    std::vector<uint32_t> leased;  // In order.
    int64_t leased_at = 0;         // When it last got something.
    int64_t idle_since = -1;       // Nothing leased since then; -1: not idle.
    std::string running;           // Id; empty if none.
    std::string module;            // Of the test that began last.
    std::set<std::string> left;    // Modules it is through with.
  };

  void AddList(const CollectionListed& listed);
  void Hear(Worker* worker, const NodeEvent& event);
  void SeeBegun(Worker* worker, const std::string& id);
  void HearSteps(Worker* worker, const TestsReported& reported);
  void HearEnd(Worker* worker, int session_status);
  void See(const RunCommand& command);
  void SeeTold(HostId host, const NodeCommand& command);
  void SeeLease(HostId host, const RunTests& run);
  void SeeBundles(const Worker& worker, const RunTests& run);
  void SeeFailures();
  void SeeAgain(const TestTriedAgain& again);
  // Removes the lease; whether there was one.
  bool Unhold(Worker* worker, uint32_t position);
  std::string BundleOf(const Worker& worker, uint32_t position) const;
  // I8: nobody gets more ahead than the round trip and the horizon ask for.
  void CheckDepth(const Worker& worker, const RunTests& run);
  // I15: what is remembered does not grow beyond the tests.
  void CheckMemory();
  // I14: nobody idles while another has what it could do.
  void CheckIdle(int64_t now);
  int64_t Patience() const;
  void CheckIdle(uint32_t id, const Worker& idle);
  bool HasMovable(const Worker& busy, const Worker& idle) const;
  bool MayStay(const Worker& idle, const std::string& id) const;
  void SeeSaid(const RunEvent& event);
  void SeeJudged(const TestJudged& judged);
  void SeeEnd(const EndRun& end);
  int ExpectedStatus() const;
  bool AnyoneHas(const UnitKey& unit) const;
  const std::string* IdAt(const Worker& worker, uint32_t position) const;
  UnitKey KeyOf(const Worker& worker, const std::string& id) const;
  void Fail(const std::string& what);

  const RunPlan plan_;
  const RunMachine& machine_;
  const int64_t round_trip_;
  std::vector<Link> hosts_;
  std::map<uint32_t, Worker> workers_;                           // By WorkerId.
  std::map<std::string, std::vector<std::string>> collections_;  // By hash.
  std::map<std::string, std::vector<std::string>> bundles_;      // By hash.
  std::set<UnitKey> held_;
  // Who holds tests of a bundle, and how many.
  std::map<UnitKey, std::pair<uint32_t, int>> bundle_holders_;
  std::map<UnitKey, uint32_t> retries_;
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
  std::map<UnitKey, Verdict> verdicts_;
  std::map<UnitKey, int> losses_;
  std::set<UnitKey> evidence_;  // Of the event under way.
  bool stopped_ = false;
  bool internal_error_ = false;
  bool bad_session_ = false;
  bool collect_error_ = false;
  bool usage_ = false;
  std::set<uint32_t> collected_platforms_;
  bool any_collected_ = false;  // While its worker lived.
  int ends_ = 0;
  int run_ended_ = 0;
  size_t unrun_ = 0;
  int status_ = -1;
  std::string violation_;
};

}  // namespace dist

#endif  // DIST_TESTS_SIM_SIM_CHECKER_H_
