// Drives a RunMachine by hand: says what nodes say, remembers what it wants.
#ifndef DIST_TESTS_SUPPORT_RUN_DRIVER_H_
#define DIST_TESTS_SUPPORT_RUN_DRIVER_H_

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "core/run/run_machine.h"

namespace dist {

// A plan of `hosts` hosts with `slots` workers each, all of one kin. Under
// `each` every slot is a platform.
RunPlan MakePlan(const std::string& mode, uint32_t hosts, uint32_t slots);

// A phase report with that verdict.
PhaseReport Report(Verdict verdict, const std::string& nodeid = "t");

class RunDriver {
 public:
  // Starts the machine.
  explicit RunDriver(RunPlan plan);

  void Ready(uint32_t host, uint32_t cpus = 64);
  void Lose(uint32_t host);
  void Interrupt();
  void Advance(absl::Duration by);  // And wakes it.
  void Tell(uint32_t host, NodeEvent event);

  // The rest speak for the current worker of a slot.
  WorkerId worker(uint32_t slot) const { return workers_[slot]; }
  void Collect(uint32_t slot, const std::vector<std::string>& ids);
  void Begin(uint32_t slot, uint32_t position);
  void Finish(uint32_t slot, uint32_t position,
              Verdict verdict = Verdict::kPassed);
  void Run(uint32_t slot, uint32_t position,
           Verdict verdict = Verdict::kPassed);
  void Late(uint32_t slot, uint32_t position);
  void Return(uint32_t slot, std::vector<uint32_t> positions);
  void Exit(uint32_t slot, int status = 0, bool stopped = false);
  void Refuse(uint32_t slot, Refusal why, int status);
  // Dies before it has collected, idle, or in the test at that position.
  void DieEarly(uint32_t slot, DeathCause cause = DeathCause::kDied);
  void DieIdle(uint32_t slot, DeathCause cause = DeathCause::kDied);
  void DieIn(uint32_t slot, uint32_t position,
             DeathCause cause = DeathCause::kDied);
  // Lets every worker that was told to finish do so, and closes all hosts.
  void Close();

  // Everything told to nodes, or said to reporters, of that type.
  template <class T>
  std::vector<T> Told() const {
    std::vector<T> found;
    for (const TellNode& tell : told) {
      if (const T* t = std::get_if<T>(&tell.command)) found.push_back(*t);
    }
    return found;
  }
  template <class T>
  std::vector<T> Said() const {
    std::vector<T> found;
    for (const RunEvent& event : said) {
      if (const T* t = std::get_if<T>(&event)) found.push_back(*t);
    }
    return found;
  }
  // Verdict of each judged test, as "id=word", in the order judged.
  std::vector<std::string> Verdicts() const;
  // The exit status; -1 if the run has not ended (once).
  int status() const;
  void Forget();  // Clears the public vectors.

  absl::Duration takes = absl::Milliseconds(1);  // A test's call.
  std::vector<TellNode> told;
  std::vector<RunEvent> said;
  std::vector<HostId> connects;
  std::vector<EndRun> ends;
  std::vector<absl::Time> wakes;
  RunMachine machine;

 private:
  void Obey(Commands commands);
  uint32_t HostOf(uint32_t slot) const { return hosts_[slot]; }

  std::vector<uint32_t> hosts_;     // By slot.
  std::vector<std::string> names_;  // By slot.
  std::vector<WorkerId> workers_;   // By slot.
  size_t host_count_;
  absl::Time now_ = absl::UnixEpoch();
};

}  // namespace dist

#endif  // DIST_TESTS_SUPPORT_RUN_DRIVER_H_
