// The tests of a run: each id once, numbered in the order of first sight.
#ifndef DIST_CORE_RUN_TEST_TABLE_H_
#define DIST_CORE_RUN_TEST_TABLE_H_

#include <deque>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "core/model/ids.h"

namespace dist {

class TestTable {
 public:
  // The number of the `occurrence`th test (from 0) of that id in one
  // collection. pytest allows an id twice; they are different tests.
  TestIndex Intern(absl::string_view id, uint32_t occurrence);

  // The number of what must stay together under `key` (together.h).
  BundleId InternBundle(absl::string_view key);

  // Stable for the life of the table.
  const std::string& id(TestIndex test) const { return ids_[test.value()]; }
  size_t size() const { return ids_.size(); }

 private:
  std::deque<std::string> ids_;  // A deque: addresses must not move.
  absl::flat_hash_map<std::pair<absl::string_view, uint32_t>, TestIndex>
      numbers_;
  absl::flat_hash_map<std::string, BundleId> bundles_;
};

}  // namespace dist

#endif  // DIST_CORE_RUN_TEST_TABLE_H_
