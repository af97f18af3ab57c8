#include "core/run/collection.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"

namespace dist {
namespace {

void Select(const Selection& selection, const std::vector<bool>& failed,
            Collection* collection) {
  std::vector<uint32_t>& order = collection->order;
  const bool any =
      std::find(failed.begin(), failed.end(), true) != failed.end();
  if (!any) return;
  const auto was_failed = [&](uint32_t p) { return bool{failed[p]}; };
  if (selection.kind == Selection::Kind::kFailedFirst) {
    std::stable_partition(order.begin(), order.end(), was_failed);
  } else if (selection.kind == Selection::Kind::kLastFailed) {
    order.erase(std::remove_if(order.begin(), order.end(),
                               [&](uint32_t p) { return !was_failed(p); }),
                order.end());
    collection->deselected = collection->tests.size() - order.size();
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
                          const Selection& selection, TestTable* table) {
  Collection collection;
  collection.hash = listed.hash;
  collection.tests.reserve(listed.ids.size());
  collection.order.reserve(listed.ids.size());
  absl::flat_hash_map<absl::string_view, uint32_t> seen;
  seen.reserve(listed.ids.size());
  std::vector<bool> failed;
  for (const std::string& id : listed.ids) {
    const TestIndex test = table->Intern(id, seen[id]++);
    collection.order.push_back(static_cast<uint32_t>(collection.tests.size()));
    collection.tests.push_back(test);
    failed.push_back(selection.failed.contains(id));
  }
  collection.member.resize(table->size());
  for (const TestIndex test : collection.tests) {
    collection.member[test.value()] = true;
  }
  Select(selection, failed, &collection);
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
