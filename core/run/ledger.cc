#include "core/run/ledger.h"

#include <algorithm>

#include "core/run/mutants.h"

namespace dist {

Ledger::Queue* Ledger::FindQueue(Board& board, size_t number) {
  for (Queue& queue : board.queues) {
    if (queue.number == number) return &queue;
  }
  return nullptr;
}

size_t Ledger::AddCollection(PlatformId platform, size_t number,
                             const Collection& collection) {
  Board& board = boards_[platform.value()];
  if (FindQueue(board, number) != nullptr) return 0;
  Queue queue;
  queue.number = number;
  queue.collection = &collection;
  queue.end = collection.order.size();
  queue.noted.resize(queue.end);
  queue.rank.resize(collection.member.size(), Id<struct RankTag>::kNone);
  board.units.resize(std::max(board.units.size(), collection.member.size()));
  if (!collection.bundles.empty()) board.bundle_of.resize(board.units.size());
  size_t added = 0;
  const size_t left_out = Mutated(Mutant::kLeaveOut) ? 1 : 0;
  for (size_t i = 0; i + left_out < collection.order.size(); ++i) {
    const uint32_t position = collection.order[i];
    const TestIndex test = collection.tests[position];
    queue.rank[test.value()] = static_cast<uint32_t>(i);
    Unit& unit = board.units[test.value()];
    if (unit.state != Unit::State::kAbsent) continue;
    unit.state = Unit::State::kPending;
    if (!collection.expected.empty()) {
      unit.expected = collection.expected[position];
      board.pending_time += unit.expected;
    }
    if (!collection.bundles.empty()) {
      const BundleId bundle = collection.bundles[collection.bundle_of[i]].id;
      board.bundle_of[test.value()] = bundle;
      if (bundle.valid() && bundle.value() >= board.holders.size()) {
        board.holders.resize(bundle.value() + 1);
      }
    }
    ++added;
  }
  board.pending += added;
  units_ += added;
  board.queues.push_back(std::move(queue));
  return added;
}

BundleId Ledger::BundleOf(const Board& board, TestIndex test) {
  return test.value() < board.bundle_of.size() ? board.bundle_of[test.value()]
                                               : BundleId();
}

BundleId Ledger::BundleOf(PlatformId platform, TestIndex test) const {
  return BundleOf(boards_[platform.value()], test);
}

bool Ledger::IsFree(const Board& board, const Queue& queue, size_t rank,
                    WorkerId worker) {
  const TestIndex test = TestAt(queue, rank);
  if (board.units[test.value()].state != Unit::State::kPending) return false;
  const BundleId bundle = BundleOf(board, test);
  if (!bundle.valid() || Mutated(Mutant::kShareBundle)) return true;
  const Holder& holder = board.holders[bundle.value()];
  return holder.leased == 0 || holder.worker == worker;
}

bool Ledger::Admits(Board* board, const Queue& queue, size_t rank) {
  const TestIndex test = TestAt(queue, rank);
  if (board->units[test.value()].state != Unit::State::kPending) return false;
  const BundleId bundle = BundleOf(*board, test);
  if (!bundle.valid() || Mutated(Mutant::kShareBundle)) return true;
  // Not even to its holder, who would run parts of it with others in between.
  Holder& holder = board->holders[bundle.value()];
  if (holder.leased == 0) return true;
  holder.waiting.push_back(test);
  return false;
}

size_t Ledger::Seek(Board* board, Queue* queue) {
  for (; !queue->returned.empty(); queue->returned.pop()) {
    const size_t rank = queue->returned.top();
    if (Admits(board, *queue, rank)) return rank;
    queue->noted[rank] = false;
  }
  for (; queue->cursor < queue->end; ++queue->cursor) {
    if (Admits(board, *queue, queue->cursor)) return queue->cursor;
  }
  return kNoRank;
}

size_t Ledger::SeekBack(Board* board, Queue* queue) {
  for (; queue->cursor < queue->end; --queue->end) {
    if (Admits(board, *queue, queue->end - 1)) return queue->end - 1;
  }
  return Seek(board, queue);
}

double Ledger::NextTime(PlatformId platform, size_t number) {
  Board& board = boards_[platform.value()];
  Queue* queue = FindQueue(board, number);
  const size_t rank = queue == nullptr ? kNoRank : Seek(&board, queue);
  if (rank == kNoRank) return 0;
  if (queue->collection->bundles.empty()) {
    return board.units[TestAt(*queue, rank).value()].expected;
  }
  const Collection& collection = *queue->collection;
  const Collection::Bundle& bundle =
      collection.bundles[collection.bundle_of[rank]];
  double sum = 0;
  for (size_t r = bundle.first; r < bundle.last; ++r) {
    sum += board.units[TestAt(*queue, r).value()].expected;
  }
  return sum;
}

bool Ledger::TakesSuspect(const Board& board, const Queue& queue, size_t rank) {
  if (board.suspects == 0) return false;
  const auto suspect = [&](size_t r) {
    const Unit& unit = board.units[TestAt(queue, r).value()];
    return unit.suspect && unit.state == Unit::State::kPending;
  };
  const Collection& collection = *queue.collection;
  if (collection.bundles.empty()) return suspect(rank);
  const Collection::Bundle& bundle =
      collection.bundles[collection.bundle_of[rank]];
  for (size_t r = bundle.first; r < bundle.last; ++r) {
    if (suspect(r)) return true;
  }
  return false;
}

void Ledger::SetSuspect(PlatformId platform, TestIndex test, bool suspect) {
  Board& board = boards_[platform.value()];
  Unit& unit = board.units[test.value()];
  if (unit.suspect == suspect) return;
  board.suspects += suspect ? 1 : static_cast<size_t>(-1);
  unit.suspect = suspect;
}

void Ledger::TakeOne(Board* board, const Queue& queue, size_t rank,
                     WorkerId worker, std::vector<uint32_t>* positions) {
  const uint32_t position = queue.collection->order[rank];
  const TestIndex test = queue.collection->tests[position];
  Unit& unit = board->units[test.value()];
  if (!Mutated(Mutant::kLeaseTwice)) unit.state = Unit::State::kLeased;
  unit.worker = worker;
  --board->pending;
  board->pending_time -= unit.expected;
  positions->push_back(position);
  const BundleId bundle = BundleOf(*board, test);
  if (!bundle.valid()) return;
  Holder& holder = board->holders[bundle.value()];
  holder.worker = worker;
  ++holder.leased;
}

void Ledger::Take(Board* board, const Queue& queue, size_t rank,
                  WorkerId worker, std::vector<uint32_t>* positions) {
  const Collection& collection = *queue.collection;
  if (collection.bundles.empty()) {
    return TakeOne(board, queue, rank, worker, positions);
  }
  const Collection::Bundle& bundle =
      collection.bundles[collection.bundle_of[rank]];
  for (size_t r = bundle.first; r < bundle.last; ++r) {
    if (IsFree(*board, queue, r, worker)) {
      TakeOne(board, queue, r, worker, positions);
    }
  }
  if (Mutated(Mutant::kReverseBundle)) {
    std::reverse(positions->begin(), positions->end());
  }
}

std::vector<uint32_t> Ledger::Lease(PlatformId platform, size_t number,
                                    const Portion& portion, WorkerId worker,
                                    From from, Suspects suspects) {
  Board& board = boards_[platform.value()];
  Queue* queue = FindQueue(board, number);
  std::vector<uint32_t> positions;
  if (queue == nullptr) return positions;
  const double before = board.pending_time;
  const double limit = absl::ToDoubleSeconds(portion.time);
  while (positions.size() < portion.tests &&
         (positions.empty() || before - board.pending_time < limit)) {
    const size_t rank =
        from == From::kEnd ? SeekBack(&board, queue) : Seek(&board, queue);
    if (rank == kNoRank) break;
    const bool suspect = TakesSuspect(board, *queue, rank);
    if (suspect && (suspects == Suspects::kNone || !positions.empty())) break;
    Take(&board, *queue, rank, worker, &positions);
    if (suspect) break;
  }
  if (from == From::kEnd && queue->collection->bundles.empty()) {
    std::reverse(positions.begin(), positions.end());
  }
  return positions;
}

bool Ledger::AnyPending(PlatformId platform, size_t number) {
  Board& board = boards_[platform.value()];
  Queue* queue = FindQueue(board, number);
  return queue != nullptr && Seek(&board, queue) != kNoRank;
}

Unit* Ledger::HeldBy(PlatformId platform, TestIndex test, WorkerId worker) {
  Unit& unit = boards_[platform.value()].units[test.value()];
  const bool held = unit.state == Unit::State::kLeased && unit.worker == worker;
  return held ? &unit : nullptr;
}

Unit* Ledger::JudgedBy(PlatformId platform, TestIndex test, WorkerId worker) {
  Unit& unit = boards_[platform.value()].units[test.value()];
  const bool judged =
      unit.state == Unit::State::kJudged && unit.worker == worker;
  return judged ? &unit : nullptr;
}

void Ledger::Requeue(Board* board, TestIndex test) {
  if (Mutated(Mutant::kForgetReturnedRanks)) return;
  for (Queue& queue : board->queues) {
    if (test.value() >= queue.rank.size()) continue;
    const uint32_t rank = queue.rank[test.value()];
    if (rank >= queue.collection->order.size()) continue;
    if (rank >= queue.cursor && rank < queue.end) continue;
    if (queue.noted[rank] && !Mutated(Mutant::kHoard)) continue;
    queue.noted[rank] = true;
    queue.returned.push(rank);
    for (int i = 0; i < 2 && Mutated(Mutant::kHoard); ++i) {
      queue.returned.push(rank);
    }
  }
}

void Ledger::Unlease(Board* board, TestIndex test) {
  const BundleId bundle = BundleOf(*board, test);
  if (!bundle.valid()) return;
  Holder& holder = board->holders[bundle.value()];
  if (Mutated(Mutant::kKeepBundle) || --holder.leased > 0) return;
  std::vector<TestIndex> waiting = std::move(holder.waiting);
  holder.waiting.clear();
  // Each queue may have passed it over.
  std::sort(waiting.begin(), waiting.end());
  waiting.erase(std::unique(waiting.begin(), waiting.end()), waiting.end());
  for (const TestIndex other : waiting) {
    if (board->units[other.value()].state != Unit::State::kPending) continue;
    Requeue(board, other);
    freed_ = !Mutated(Mutant::kOverlook);
  }
}

void Ledger::Return(PlatformId platform, TestIndex test) {
  Board& board = boards_[platform.value()];
  Unit& unit = board.units[test.value()];
  unit.state = Unit::State::kPending;
  unit.worker = WorkerId();
  ++board.pending;
  board.pending_time += unit.expected;
  const BundleId bundle = BundleOf(board, test);
  if (!bundle.valid()) return Requeue(&board, test);
  board.holders[bundle.value()].waiting.push_back(test);
  Unlease(&board, test);
}

void Ledger::Judge(PlatformId platform, TestIndex test, Verdict verdict) {
  Board& board = boards_[platform.value()];
  Unit& unit = board.units[test.value()];
  const bool leased = unit.state == Unit::State::kLeased;
  if (unit.state == Unit::State::kPending) {
    --board.pending;
    board.pending_time -= unit.expected;
  }
  unit.state = Unit::State::kJudged;
  unit.verdict = verdict;
  ++counts_[static_cast<size_t>(verdict)];
  ++judged_;
  if (leased) Unlease(&board, test);
}

void Ledger::Amend(PlatformId platform, TestIndex test, Verdict verdict) {
  Unit& unit = boards_[platform.value()].units[test.value()];
  --counts_[static_cast<size_t>(unit.verdict)];
  ++counts_[static_cast<size_t>(verdict)];
  unit.verdict = verdict;
}

std::vector<TestIndex> Ledger::PendingOf(PlatformId platform) const {
  std::vector<TestIndex> pending;
  const Board& board = boards_[platform.value()];
  for (size_t i = 0; i < board.units.size(); ++i) {
    if (board.units[i].state == Unit::State::kPending) {
      pending.push_back(TestIndex(static_cast<uint32_t>(i)));
    }
  }
  return pending;
}

size_t Ledger::notes(PlatformId platform) const {
  const Board& board = boards_[platform.value()];
  size_t notes = 0;
  for (const Queue& queue : board.queues) notes += queue.returned.size();
  for (const Holder& holder : board.holders) notes += holder.waiting.size();
  return notes;
}

}  // namespace dist
