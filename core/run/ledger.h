// The ledger: what became of every test, on every platform. Exactly one entry
// a unit (a test on a platform), exactly one verdict an entry.
#ifndef DIST_CORE_RUN_LEDGER_H_
#define DIST_CORE_RUN_LEDGER_H_

#include <array>
#include <cstdint>
#include <functional>
#include <queue>
#include <vector>

#include "core/model/ids.h"
#include "core/model/verdict.h"
#include "core/run/collection.h"

namespace dist {

struct Unit {
  enum class State : uint8_t { kAbsent, kPending, kLeased, kJudged };
  State state = State::kAbsent;
  // If kJudged; otherwise, if `failed_before`, of the last try.
  Verdict verdict = Verdict::kPassed;
  uint8_t losses = 0;          // Nodes lost while it ran.
  bool failed_before = false;  // An earlier try ended badly.
  uint32_t attempt = 1;
  WorkerId worker;  // Who holds it, or judged it.
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

  // Leases up to `count` pending tests of the collection to `worker`, in the
  // collection's order; returns their positions. Amortised O(1) a test, O(log
  // n) one that was returned.
  std::vector<uint32_t> Lease(PlatformId platform, size_t number, size_t count,
                              WorkerId worker);

  // Upper bound, exact while collections agree, of what Lease() could give.
  size_t pending(PlatformId platform) const {
    return boards_[platform.value()].pending;
  }
  // Exact: whether Lease() would give anything.
  bool AnyPending(PlatformId platform, size_t number);

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
    size_t cursor = 0;           // Before it, only returned tests are pending.
    std::vector<uint32_t> rank;  // By TestIndex: place in the order.
    // Ranks of tests that came back after the cursor had passed them; some may
    // have been leased through another queue since. A heap: moving the cursor
    // back would scan everything between again, for each test.
    std::priority_queue<uint32_t, std::vector<uint32_t>, std::greater<>>
        returned;
  };
  struct Board {
    std::vector<Unit> units;  // By TestIndex.
    std::vector<Queue> queues;
    size_t pending = 0;
  };

  Queue* FindQueue(Board& board, size_t number);
  // The rank of the next pending test; kNoRank if there is none.
  static size_t Seek(const Board& board, Queue* queue);
  static constexpr size_t kNoRank = SIZE_MAX;

  std::vector<Board> boards_;
  std::array<size_t, kVerdictCount> counts_{};
  size_t units_ = 0;
  size_t judged_ = 0;
};

}  // namespace dist

#endif  // DIST_CORE_RUN_LEDGER_H_
