#include "core/run/test_table.h"

namespace dist {

TestIndex TestTable::Intern(absl::string_view id, uint32_t occurrence) {
  const auto found = numbers_.find(std::make_pair(id, occurrence));
  if (found != numbers_.end()) return found->second;
  const TestIndex test(static_cast<uint32_t>(ids_.size()));
  ids_.emplace_back(id);
  numbers_.emplace(std::make_pair(absl::string_view(ids_.back()), occurrence),
                   test);
  return test;
}

BundleId TestTable::InternBundle(absl::string_view key) {
  const BundleId next(static_cast<uint32_t>(bundles_.size()));
  return bundles_.try_emplace(key, next).first->second;
}

}  // namespace dist
