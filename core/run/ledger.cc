#include "core/run/ledger.h"

#include <algorithm>

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
  Queue queue{number, &collection, 0, {}, {}};
  queue.rank.resize(collection.member.size(), Id<struct RankTag>::kNone);
  board.units.resize(std::max(board.units.size(), collection.member.size()));
  size_t added = 0;
  for (size_t i = 0; i < collection.order.size(); ++i) {
    const TestIndex test = collection.tests[collection.order[i]];
    queue.rank[test.value()] = static_cast<uint32_t>(i);
    Unit& unit = board.units[test.value()];
    if (unit.state != Unit::State::kAbsent) continue;
    unit.state = Unit::State::kPending;
    ++added;
  }
  board.pending += added;
  units_ += added;
  board.queues.push_back(std::move(queue));
  return added;
}

size_t Ledger::Seek(const Board& board, Queue* queue) {
  const Collection& collection = *queue->collection;
  const auto is_pending = [&](size_t rank) {
    const TestIndex test = collection.tests[collection.order[rank]];
    return board.units[test.value()].state == Unit::State::kPending;
  };
  for (; !queue->returned.empty(); queue->returned.pop()) {
    if (is_pending(queue->returned.top())) return queue->returned.top();
  }
  for (; queue->cursor < collection.order.size(); ++queue->cursor) {
    if (is_pending(queue->cursor)) return queue->cursor;
  }
  return kNoRank;
}

std::vector<uint32_t> Ledger::Lease(PlatformId platform, size_t number,
                                    size_t count, WorkerId worker) {
  Board& board = boards_[platform.value()];
  Queue* queue = FindQueue(board, number);
  std::vector<uint32_t> positions;
  while (queue != nullptr && positions.size() < count) {
    const size_t rank = Seek(board, queue);
    if (rank == kNoRank) break;
    const uint32_t position = queue->collection->order[rank];
    Unit& unit = board.units[queue->collection->tests[position].value()];
    unit.state = Unit::State::kLeased;
    unit.worker = worker;
    --board.pending;
    positions.push_back(position);
  }
  return positions;
}

bool Ledger::AnyPending(PlatformId platform, size_t number) {
  Board& board = boards_[platform.value()];
  Queue* queue = FindQueue(board, number);
  return queue != nullptr && Seek(board, queue) != kNoRank;
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

void Ledger::Return(PlatformId platform, TestIndex test) {
  Board& board = boards_[platform.value()];
  Unit& unit = board.units[test.value()];
  unit.state = Unit::State::kPending;
  unit.worker = WorkerId();
  ++board.pending;
  for (Queue& queue : board.queues) {
    if (test.value() >= queue.rank.size()) continue;
    const uint32_t rank = queue.rank[test.value()];
    if (rank < queue.cursor) queue.returned.push(rank);
  }
}

void Ledger::Judge(PlatformId platform, TestIndex test, Verdict verdict) {
  Board& board = boards_[platform.value()];
  Unit& unit = board.units[test.value()];
  if (unit.state == Unit::State::kPending) --board.pending;
  unit.state = Unit::State::kJudged;
  unit.verdict = verdict;
  ++counts_[static_cast<size_t>(verdict)];
  ++judged_;
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

}  // namespace dist
