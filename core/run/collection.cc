#include "core/run/collection.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"

namespace dist {
namespace {

// A single test longer than this is worth being started early.
constexpr float kLongSeconds = 0.05f;

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
};

std::vector<bool> FailedBefore(const CollectionListed& listed,
                               const Selection* selection) {
  std::vector<bool> failed;
  if (selection == nullptr || selection->failed.empty()) return failed;
  failed.reserve(listed.ids.size());
  bool any = false;
  for (const std::string& id : listed.ids) {
    failed.push_back(selection->failed.contains(id));
    any = any || failed.back();
  }
  if (!any) failed.clear();
  return failed;
}

Blocks MakeBlocks(const CollectionListed& listed, Together together,
                  const std::vector<float>& expected,
                  const std::vector<bool>& failed, TestTable* table) {
  Blocks result;
  result.of.reserve(listed.ids.size());
  absl::flat_hash_map<uint32_t, absl::string_view> groups;
  if (together == Together::kGroup) {
    for (const auto& [position, group] : listed.groups) {
      groups.emplace(position, group);
    }
  }
  absl::flat_hash_map<std::string, uint32_t> numbers;
  for (uint32_t p = 0; p < listed.ids.size(); ++p) {
    const auto group = groups.find(p);
    const std::string key = BundleKey(
        together, listed.ids[p], group == groups.end() ? "" : group->second);
    auto number = static_cast<uint32_t>(result.blocks.size());
    if (!key.empty()) number = numbers.try_emplace(key, number).first->second;
    if (number == result.blocks.size()) {
      Block& block = result.blocks.emplace_back();
      if (!key.empty()) block.bundle = table->InternBundle(key);
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
std::pair<bool, float> Urgency(const Block& block, const Arrangement& how) {
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

// Block numbers, most urgent first, otherwise as collected.
std::vector<uint32_t> Sorted(const std::vector<Block>& blocks,
                             const Arrangement& how) {
  std::vector<uint32_t> numbers(blocks.size());
  std::iota(numbers.begin(), numbers.end(), 0u);
  std::vector<std::pair<bool, float>> urgency;
  urgency.reserve(blocks.size());
  for (const Block& block : blocks) urgency.push_back(Urgency(block, how));
  std::stable_sort(numbers.begin(), numbers.end(), [&](uint32_t a, uint32_t b) {
    return urgency[a] > urgency[b];
  });
  return numbers;
}

// Fills order, bundles and bundle_of with the positions that `skip` lets pass.
template <class Skip>
void Arrange(const Blocks& blocks, const std::vector<uint32_t>& sorted,
             Skip&& skip, Collection* collection) {
  // Positions by block, by counting: each block's first free place.
  std::vector<uint32_t> place(blocks.blocks.size());
  uint32_t next = 0;
  std::vector<uint32_t> sizes(blocks.blocks.size());
  for (uint32_t p = 0; p < blocks.of.size(); ++p) {
    if (!skip(p)) ++sizes[blocks.of[p]];
  }
  bool bundled = false;
  for (const uint32_t number : sorted) {
    place[number] = next;
    const uint32_t first = next;
    next += sizes[number];
    if (next == first) continue;
    bundled = bundled || blocks.blocks[number].bundle.valid();
    collection->bundles.push_back({blocks.blocks[number].bundle, first, next});
  }
  collection->order.resize(next);
  for (uint32_t p = 0; p < blocks.of.size(); ++p) {
    if (!skip(p)) collection->order[place[blocks.of[p]]++] = p;
  }
  if (!bundled) {
    collection->bundles.clear();
    return;
  }
  collection->bundle_of.resize(next);
  for (uint32_t b = 0; b < collection->bundles.size(); ++b) {
    const Collection::Bundle& bundle = collection->bundles[b];
    std::fill(collection->bundle_of.begin() + bundle.first,
              collection->bundle_of.begin() + bundle.last, b);
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

Collection MakeCollection(const CollectionListed& listed,
                          const Arrangement& arrangement, TestTable* table) {
  Collection collection;
  collection.hash = listed.hash;
  collection.tests.reserve(listed.ids.size());
  absl::flat_hash_map<absl::string_view, uint32_t> seen;
  seen.reserve(listed.ids.size());
  const Estimates* estimates = arrangement.estimates;
  const bool timed = estimates != nullptr && estimates->known();
  for (const std::string& id : listed.ids) {
    collection.tests.push_back(table->Intern(id, seen[id]++));
    if (!timed) continue;
    collection.expected.push_back(
        static_cast<float>(absl::ToDoubleSeconds(estimates->Of(id))));
  }
  collection.member.resize(table->size());
  for (const TestIndex test : collection.tests) {
    collection.member[test.value()] = true;
  }
  const std::vector<bool> failed = FailedBefore(listed, arrangement.selection);
  const bool only_failed = !failed.empty() && arrangement.selection->kind ==
                                                  Selection::Kind::kLastFailed;
  const Blocks blocks = MakeBlocks(listed, arrangement.together,
                                   collection.expected, failed, table);
  Arrange(
      blocks, Sorted(blocks.blocks, arrangement),
      [&](uint32_t p) { return only_failed && !failed[p]; }, &collection);
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
