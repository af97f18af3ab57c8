#include "core/run/collection.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"

namespace dist {
namespace {

// A single test longer than this is worth being started early.
constexpr float kLongSeconds = 0.05f;
// No test takes no time: without this a lease of such tests had no end.
constexpr float kShortestSeconds = 1e-4f;

// The unit of ordering: one test, or all that must stay together.
struct Block {
  BundleId bundle;  // Invalid: a single test.
  uint32_t size = 0;
  float expected = 0;
  bool failed = false;
};

// The blocks of a collection and, by position, the number of its block.
struct Blocks {
  std::vector<Block> blocks;
  std::vector<uint32_t> of;
  std::vector<absl::string_view> ids;  // By block; "": it is a bundle.
};

// Nothing if nobody asks for it, or none of the failed tests is in the list.
std::vector<bool> FailedBefore(const CollectionListed& listed,
                               const Selection* selection) {
  std::vector<bool> failed;
  if (selection == nullptr || selection->failed.empty()) return failed;
  if (selection->kind == Selection::Kind::kAll) return failed;
  failed.reserve(listed.ids.size());
  bool any = false;
  for (const std::string& id : listed.ids) {
    failed.push_back(selection->failed.contains(id));
    any = any || failed.back();
  }
  if (!any) failed.clear();
  return failed;
}

// By position.
std::vector<absl::string_view> GroupsOf(const CollectionListed& listed) {
  std::vector<absl::string_view> groups(listed.ids.size());
  for (const auto& [position, group] : listed.groups) {
    if (position < groups.size()) groups[position] = group;
  }
  return groups;
}

Blocks MakeBlocks(const CollectionListed& listed, Together together,
                  const std::vector<float>& expected,
                  const std::vector<bool>& failed, TestTable* table) {
  Blocks result;
  result.of.reserve(listed.ids.size());
  std::vector<absl::string_view> groups;
  if (together == Together::kGroup) groups = GroupsOf(listed);
  absl::flat_hash_map<absl::string_view, uint32_t> numbers;
  absl::string_view last_key;
  uint32_t number = 0;
  for (uint32_t p = 0; p < listed.ids.size(); ++p) {
    const absl::string_view key =
        BundleKey(together, listed.ids[p], groups.empty() ? "" : groups[p]);
    const auto next = static_cast<uint32_t>(result.blocks.size());
    if (key.empty()) {
      number = next;
    } else if (key != last_key) {  // Most are where their neighbour is.
      number = numbers.try_emplace(key, next).first->second;
    }
    last_key = key;
    if (number == next) {
      Block& block = result.blocks.emplace_back();
      if (!key.empty()) block.bundle = table->InternBundle(key);
      result.ids.push_back(key.empty() ? absl::string_view(listed.ids[p]) : "");
    }
    Block& block = result.blocks[number];
    ++block.size;
    if (!expected.empty()) block.expected += expected[p];
    if (!failed.empty() && failed[p]) block.failed = true;
    result.of.push_back(number);
  }
  return result;
}

// What comes first is worth more: (failed, weight).
using Worth = std::pair<bool, float>;

Worth Urgency(const Block& block, const Arrangement& how) {
  const bool failed = block.failed && how.selection != nullptr &&
                      how.selection->kind == Selection::Kind::kFailedFirst;
  const bool timed = how.estimates != nullptr && how.estimates->known();
  float weight = 0;
  if (timed) {
    const bool counts = block.bundle.valid() || block.expected >= kLongSeconds;
    weight = counts ? block.expected : 0;
  } else if (how.reorder && block.bundle.valid()) {
    weight = static_cast<float>(block.size);
  }
  return {failed, weight};
}

// Puts neighbours of one key ("": none) where the most urgent of them belongs,
// failed ones apart: appends to each of `places` that worth, and where they
// began.
using Place = std::vector<std::pair<float, uint32_t>>;
void PlaceRuns(const std::vector<Worth>& urgency,
               const std::vector<absl::string_view>& keys,
               std::vector<Place>* places) {
  for (uint32_t first = 0; first < keys.size();) {
    uint32_t last = first;
    float most[2] = {};
    do {
      float& worth = most[urgency[last].first];
      worth = std::max(worth, urgency[last].second);
      ++last;
    } while (last < keys.size() && !keys[first].empty() &&
             keys[last] == keys[first]);
    for (uint32_t i = first; i < last; ++i) {
      (*places)[i].emplace_back(most[urgency[i].first], first);
    }
    first = last;
  }
}

// Numbers of what `urgency` is about, most urgent first, otherwise in order. A
// module's tests stay neighbours, and in it those of a class: a worker that
// came back to them would set up their fixtures again. `ids` are theirs; empty:
// they share nothing.
std::vector<uint32_t> Sorted(const std::vector<Worth>& urgency,
                             const std::vector<absl::string_view>& ids) {
  std::vector<uint32_t> numbers(urgency.size());
  std::iota(numbers.begin(), numbers.end(), 0u);
  if (std::is_sorted(urgency.begin(), urgency.end(), std::greater<>())) {
    return numbers;
  }
  std::vector<Place> places(urgency.size());
  for (const Together level : {Together::kFile, Together::kScope}) {
    std::vector<absl::string_view> keys;
    for (const absl::string_view id : ids) {
      keys.push_back(BundleKey(level, id, ""));
    }
    PlaceRuns(urgency, keys, &places);
  }
  std::stable_sort(numbers.begin(), numbers.end(), [&](uint32_t a, uint32_t b) {
    if (urgency[a].first != urgency[b].first) return urgency[a].first;
    for (size_t level = 0; level < places[a].size(); ++level) {
      const auto& [worth_a, at_a] = places[a][level];
      const auto& [worth_b, at_b] = places[b][level];
      if (worth_a != worth_b) return worth_a > worth_b;
      if (at_a != at_b) return at_a < at_b;
    }
    return urgency[a].second > urgency[b].second;
  });
  return numbers;
}

// Positions, the list's modules taken from its front and its end in turn.
std::vector<uint32_t> FromBothEnds(const std::vector<std::string>& ids) {
  std::vector<uint32_t> begins;
  absl::string_view last;
  for (uint32_t p = 0; p < ids.size(); ++p) {
    const absl::string_view module = BundleKey(Together::kFile, ids[p], "");
    if (p == 0 || module != last) begins.push_back(p);
    last = module;
  }
  begins.push_back(static_cast<uint32_t>(ids.size()));
  std::vector<uint32_t> order;
  order.reserve(ids.size());
  const auto add = [&](size_t module) {
    for (uint32_t p = begins[module]; p < begins[module + 1]; ++p) {
      order.push_back(p);
    }
  };
  for (size_t front = 0, end = begins.size() - 1; front < end; ++front) {
    add(front);
    if (front < --end) add(end);
  }
  return order;
}

// Fills `order` with the positions that `skip` lets pass.
template <class Skip>
void ArrangeTests(const CollectionListed& listed, const Arrangement& how,
                  const std::vector<bool>& failed, Skip&& skip,
                  Collection* collection) {
  std::vector<Worth> urgency;
  std::vector<absl::string_view> ids;
  if (!collection->expected.empty() || !failed.empty()) {
    for (uint32_t p = 0; p < collection->tests.size(); ++p) {
      Block block{BundleId(), 1, 0, !failed.empty() && failed[p]};
      if (!collection->expected.empty()) {
        block.expected = collection->expected[p];
      }
      urgency.push_back(Urgency(block, how));
      ids.push_back(listed.ids[p]);
    }
  }
  urgency.resize(collection->tests.size());
  const bool both_ends = how.reorder && how.untimed == Untimed::kBothEnds;
  collection->order = both_ends && ids.empty() ? FromBothEnds(listed.ids)
                                               : Sorted(urgency, ids);
  collection->order.erase(
      std::remove_if(collection->order.begin(), collection->order.end(), skip),
      collection->order.end());
}

// Fills order, bundles and bundle_of with the positions that `skip` lets pass.
template <class Skip>
void ArrangeBlocks(const Arrangement& how, const Blocks& blocks, Skip&& skip,
                   Collection* collection) {
  std::vector<Worth> urgency;
  urgency.reserve(blocks.blocks.size());
  for (const Block& block : blocks.blocks) {
    urgency.push_back(Urgency(block, how));
  }
  std::vector<uint32_t> sizes(blocks.blocks.size());
  for (uint32_t p = 0; p < blocks.of.size(); ++p) {
    if (!skip(p)) ++sizes[blocks.of[p]];
  }
  // Positions by block, by counting: each block's first free place.
  std::vector<uint32_t> place(blocks.blocks.size());
  uint32_t next = 0;
  for (const uint32_t number : Sorted(urgency, blocks.ids)) {
    place[number] = next;
    const uint32_t first = next;
    next += sizes[number];
    if (next == first) continue;
    const auto at = static_cast<uint32_t>(collection->bundles.size());
    collection->bundles.push_back({blocks.blocks[number].bundle, first, next});
    collection->bundle_of.resize(next, at);
  }
  collection->order.resize(next);
  for (uint32_t p = 0; p < blocks.of.size(); ++p) {
    if (!skip(p)) collection->order[place[blocks.of[p]]++] = p;
  }
}

void AddMissing(const Collection& from, const Collection& in,
                const std::string& who, const TestTable& table, size_t limit,
                std::vector<std::string>* lines) {
  size_t missing = 0;
  for (const TestIndex test : from.tests) {
    if (in.Has(test)) continue;
    if (++missing <= limit) {
      lines->push_back(absl::StrCat("  only ", who, ": ", table.id(test)));
    }
  }
  if (missing > limit) {
    lines->push_back(
        absl::StrCat("  only ", who, ": and ", missing - limit, " more"));
  }
}

}  // namespace

namespace {

// Interns the ids. pytest allows an id twice.
void AddTests(const CollectionListed& listed, TestTable* table,
              Collection* collection) {
  collection->hash = listed.hash;
  collection->tests.reserve(listed.ids.size());
  std::vector<bool>& member = collection->member;
  member.resize(table->size() + listed.ids.size());
  absl::flat_hash_map<absl::string_view, uint32_t> again;
  for (const std::string& id : listed.ids) {
    TestIndex test = table->Intern(id, 0);
    if (member[test.value()]) test = table->Intern(id, ++again[id]);
    member[test.value()] = true;
    collection->tests.push_back(test);
  }
  member.resize(table->size());
}

void AddExpected(const CollectionListed& listed, const Estimates* estimates,
                 Collection* collection) {
  if (estimates == nullptr || !estimates->known()) return;
  collection->expected.reserve(listed.ids.size());
  for (const std::string& id : listed.ids) {
    collection->expected.push_back(
        std::max(kShortestSeconds,
                 static_cast<float>(absl::ToDoubleSeconds(estimates->Of(id)))));
  }
}

}  // namespace

Collection MakeCollection(const CollectionListed& listed,
                          const Arrangement& arrangement, TestTable* table) {
  Collection collection;
  AddTests(listed, table, &collection);
  AddExpected(listed, arrangement.estimates, &collection);
  const std::vector<bool> failed = FailedBefore(listed, arrangement.selection);
  const bool only_failed = !failed.empty() && arrangement.selection->kind ==
                                                  Selection::Kind::kLastFailed;
  const auto skip = [&](uint32_t p) { return only_failed && !failed[p]; };
  Blocks blocks;
  if (arrangement.together != Together::kNothing) {
    blocks = MakeBlocks(listed, arrangement.together, collection.expected,
                        failed, table);
  }
  if (std::any_of(blocks.blocks.begin(), blocks.blocks.end(),
                  [](const Block& block) { return block.bundle.valid(); })) {
    ArrangeBlocks(arrangement, blocks, skip, &collection);
  } else {
    ArrangeTests(listed, arrangement, failed, skip, &collection);
  }
  collection.deselected = collection.tests.size() - collection.order.size();
  return collection;
}

std::vector<std::string> DescribeDifference(const Collection& reference,
                                            const std::string& reference_name,
                                            const Collection& mine,
                                            const std::string& my_name,
                                            const TestTable& table,
                                            size_t limit) {
  std::vector<std::string> lines;
  AddMissing(reference, mine, reference_name, table, limit, &lines);
  AddMissing(mine, reference, my_name, table, limit, &lines);
  return lines;
}

}  // namespace dist
