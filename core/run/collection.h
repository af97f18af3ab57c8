// What one or more workers collected: the same list, so stored once.
#ifndef DIST_CORE_RUN_COLLECTION_H_
#define DIST_CORE_RUN_COLLECTION_H_

#include <string>
#include <vector>

#include "core/model/ids.h"
#include "core/model/node_messages.h"
#include "core/run/estimates.h"
#include "core/run/run_plan.h"
#include "core/run/test_table.h"
#include "core/schedule/policy.h"
#include "core/schedule/together.h"

namespace dist {

struct Collection {
  // Tests that must stay together: ranks [first, last) of the order.
  struct Bundle {
    BundleId id;
    uint32_t first = 0;
    uint32_t last = 0;
  };

  std::string hash;
  std::vector<TestIndex> tests;  // By position: how its workers address them.
  std::vector<uint32_t> order;   // Positions to run, first to last, by rank.
  size_t deselected = 0;         // Left out by the selection.
  // Expected seconds, by position. Empty if nothing is known.
  std::vector<float> expected;
  // What must stay together, in order, and by rank the place of a rank's
  // bundle in it. Both empty if every test is on its own.
  std::vector<Bundle> bundles;
  std::vector<uint32_t> bundle_of;

  // Whether `test` is in the collection, selected or not.
  bool Has(TestIndex test) const {
    return test.value() < member.size() && member[test.value()];
  }
  std::vector<bool> member;  // By TestIndex.
};

// How to put a collection in order. The pointers are not kept.
struct Arrangement {
  const Selection* selection = nullptr;  // Null: all.
  const Estimates* estimates = nullptr;  // Null: nothing is known.
  Together together = Together::kNothing;
  bool reorder = true;  // Without estimates: large bundles first.
  Untimed untimed = Untimed::kAsCollected;
};

// Interns the list's ids, applies the selection as pytest's --lf and --ff do
// (--lf runs everything if none of the failed tests is in the list), and orders
// what is left: failed first where asked for; then by the longest test,
// modules, in them classes, in them tests. Neighbours share fixtures, so what
// is not one module's neighbour in the list is its own, and short tests are
// left where they are. Where nothing is known, `untimed` says.
Collection MakeCollection(const CollectionListed& listed,
                          const Arrangement& arrangement, TestTable* table);

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
