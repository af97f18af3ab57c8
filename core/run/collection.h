// What one or more workers collected: the same list, so stored once.
#ifndef DIST_CORE_RUN_COLLECTION_H_
#define DIST_CORE_RUN_COLLECTION_H_

#include <string>
#include <vector>

#include "core/model/ids.h"
#include "core/model/node_messages.h"
#include "core/run/run_plan.h"
#include "core/run/test_table.h"

namespace dist {

struct Collection {
  std::string hash;
  std::vector<TestIndex> tests;  // By position: how its workers address them.
  std::vector<uint32_t> order;   // Positions to run, first to last.
  size_t deselected = 0;         // Left out by the selection.

  // Whether `test` is in the collection, selected or not.
  bool Has(TestIndex test) const {
    return test.value() < member.size() && member[test.value()];
  }
  std::vector<bool> member;  // By TestIndex.
};

// Interns the list's ids and applies the selection as pytest's --lf and --ff
// do: --lf runs everything if none of the failed tests is in the list.
Collection MakeCollection(const CollectionListed& listed,
                          const Selection& selection, TestTable* table);

// In what `mine` differs from `reference`, for people: at most `limit` ids a
// side. Empty if they hold the same tests, in whatever order.
std::vector<std::string> DescribeDifference(const Collection& reference,
                                            const std::string& reference_name,
                                            const Collection& mine,
                                            const std::string& my_name,
                                            const TestTable& table,
                                            size_t limit);

}  // namespace dist

#endif  // DIST_CORE_RUN_COLLECTION_H_
