// The ledger: what became of every test, on every platform. Exactly one entry
// a unit (a test on a platform), exactly one verdict an entry.
#ifndef DIST_CORE_RUN_LEDGER_H_
#define DIST_CORE_RUN_LEDGER_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "core/model/ids.h"
#include "core/model/verdict.h"
#include "core/run/collection.h"
#include "core/schedule/policy.h"

namespace dist {

struct Unit {
  enum class State : uint8_t { kAbsent, kPending, kLeased, kJudged };
  State state = State::kAbsent;
  // If kJudged; otherwise, if `failed_before`, of the last try.
  Verdict verdict = Verdict::kPassed;
  uint8_t losses = 0;      // Nodes lost while it ran, or seemed to.
  bool failed_before : 1;  // An earlier try ended badly.
  bool suspect : 1;        // Perhaps it ran when a node was lost.
  uint32_t attempt = 1;
  WorkerId worker;     // Who holds it, or judged it.
  float expected = 0;  // Seconds; 0 if nothing is known.

  Unit() : failed_before(false), suspect(false) {}
};

class Ledger {
 public:
  explicit Ledger(size_t platforms) : boards_(platforms) {}

  // Makes the selected tests of collection number `number` known on
  // `platform`; they are pending then. Returns how many are new. `collection`
  // must outlive the ledger.
  size_t AddCollection(PlatformId platform, size_t number,
                       const Collection& collection);

  // Whether collection number `number` was added to `platform`.
  bool HasCollection(PlatformId platform, size_t number) {
    return FindQueue(boards_[platform.value()], number) != nullptr;
  }
  // Whether some collection of `platform` brought `test`.
  bool Has(PlatformId platform, TestIndex test) const {
    const std::vector<Unit>& units = boards_[platform.value()].units;
    return test.value() < units.size() &&
           units[test.value()].state != Unit::State::kAbsent;
  }

  enum class From { kFront, kEnd };
  // Whether a lease may hold suspects; if it does it holds but one of them, or
  // one bundle.
  enum class Suspects { kNone, kAlone };

  // Leases pending tests of the collection to `worker`, from that end of the
  // collection's order, until `portion` is reached; returns their positions in
  // the order in which to run them. What must stay together goes to one worker
  // at a time, whole. Amortised O(1) a test, O(log n) one that was returned.
  std::vector<uint32_t> Lease(PlatformId platform, size_t number,
                              const Portion& portion, WorkerId worker,
                              From from = From::kFront,
                              Suspects suspects = Suspects::kAlone);

  // The test may have been what took its node down, or is cleared of that.
  void SetSuspect(PlatformId platform, TestIndex test, bool suspect);
  bool HasSuspects(PlatformId platform) const {
    return boards_[platform.value()].suspects > 0;
  }
  bool IsSuspect(PlatformId platform, TestIndex test) const {
    return boards_[platform.value()].units[test.value()].suspect;
  }

  // Expected seconds of what Lease() would give first from the front; 0 if that
  // is nothing.
  double NextTime(PlatformId platform, size_t number);

  // Upper bound, exact while collections agree, of what Lease() could give.
  size_t pending(PlatformId platform) const {
    return boards_[platform.value()].pending;
  }
  // On whatever platform.
  bool any_pending() const {
    return std::any_of(boards_.begin(), boards_.end(),
                       [](const Board& board) { return board.pending > 0; });
  }
  // Likewise, what is expected of it.
  absl::Duration pending_time(PlatformId platform) const {
    return absl::Seconds(std::max(0.0, boards_[platform.value()].pending_time));
  }
  // Whether tests have become free, since the last call, that others were
  // denied because their bundle was with a worker.
  bool TakeFreed() { return std::exchange(freed_, false); }
  // Exact: whether Lease() would give anything of that collection.
  bool AnyPending(PlatformId platform, size_t number);
  // The bundle of a test; invalid if it is on its own.
  BundleId BundleOf(PlatformId platform, TestIndex test) const;

  // The unit if `worker` holds it; null for anything else, so that words of
  // dead or lying workers change nothing.
  Unit* HeldBy(PlatformId platform, TestIndex test, WorkerId worker);
  // The unit if `worker` judged it.
  Unit* JudgedBy(PlatformId platform, TestIndex test, WorkerId worker);

  // A leased unit goes back to pending, at its old place in the order.
  void Return(PlatformId platform, TestIndex test);

  // A leased or pending unit gets its verdict.
  void Judge(PlatformId platform, TestIndex test, Verdict verdict);
  // A judged unit gets a worse one.
  void Amend(PlatformId platform, TestIndex test, Verdict verdict);

  // Every pending unit of a platform, for giving them up.
  std::vector<TestIndex> PendingOf(PlatformId platform) const;

  // Notes of tests that came back: what the ledger holds of a platform beyond
  // an entry a unit and collection.
  size_t notes(PlatformId platform) const;

  size_t units() const { return units_; }
  size_t judged() const { return judged_; }
  bool complete() const { return judged_ == units_; }
  size_t count(Verdict v) const { return counts_[static_cast<size_t>(v)]; }
  const std::array<size_t, kVerdictCount>& counts() const { return counts_; }
  const Unit& unit(PlatformId platform, TestIndex test) const {
    return boards_[platform.value()].units[test.value()];
  }

 private:
  // Where to look for pending tests of one collection.
  struct Queue {
    size_t number = 0;
    const Collection* collection = nullptr;
    // Before `cursor`, and from `end` on, only returned tests are pending.
    size_t cursor = 0;
    size_t end = 0;
    std::vector<uint32_t> rank;  // By TestIndex: place in the order.
    // Ranks outside of the two that came back; some may have been leased
    // through another queue since. A heap: moving the cursor back would scan
    // everything between again, for each test.
    std::priority_queue<uint32_t, std::vector<uint32_t>, std::greater<>>
        returned;
    std::vector<bool> noted;  // By rank: it is in there.
  };
  // Who runs the tests of a bundle now, if any of them is leased.
  struct Holder {
    WorkerId worker;
    uint32_t leased = 0;
    // Its pending tests that no queue would find again: others passed them
    // over, or they came back, while it was held.
    std::vector<TestIndex> waiting;
  };
  struct Board {
    std::vector<Unit> units;  // By TestIndex.
    std::vector<Queue> queues;
    std::vector<BundleId> bundle_of;  // By TestIndex; empty if none is bundled.
    std::vector<Holder> holders;      // By BundleId.
    size_t pending = 0;
    double pending_time = 0;  // Seconds.
    size_t suspects = 0;
  };

  Queue* FindQueue(Board& board, size_t number);
  static BundleId BundleOf(const Board& board, TestIndex test);
  static TestIndex TestAt(const Queue& queue, size_t rank) {
    return queue.collection->tests[queue.collection->order[rank]];
  }
  // Pending, and its bundle not with another worker.
  static bool IsFree(const Board& board, const Queue& queue, size_t rank,
                     WorkerId worker);
  // Pending, and nobody holds its bundle; if only that is in the way the test
  // is noted in Holder::waiting.
  static bool Admits(Board* board, const Queue& queue, size_t rank);
  // The rank of the next free test; kNoRank if there is none.
  static size_t Seek(Board* board, Queue* queue);
  // Likewise of the last one, or one that was returned.
  static size_t SeekBack(Board* board, Queue* queue);
  // Whether Take() would take a suspect.
  static bool TakesSuspect(const Board& board, const Queue& queue, size_t rank);
  // Leases the test at `rank`, or all free ones of its bundle.
  static void Take(Board* board, const Queue& queue, size_t rank,
                   WorkerId worker, std::vector<uint32_t>* positions);
  static void TakeOne(Board* board, const Queue& queue, size_t rank,
                      WorkerId worker, std::vector<uint32_t>* positions);
  // A leased unit is so no more; its bundle may have become free.
  void Unlease(Board* board, TestIndex test);
  static void Requeue(Board* board, TestIndex test);
  static constexpr size_t kNoRank = SIZE_MAX;

  std::vector<Board> boards_;
  std::array<size_t, kVerdictCount> counts_{};
  size_t units_ = 0;
  size_t judged_ = 0;
  bool freed_ = false;
};

}  // namespace dist

#endif  // DIST_CORE_RUN_LEDGER_H_
