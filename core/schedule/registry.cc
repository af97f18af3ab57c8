#include "core/schedule/policy.h"

namespace dist {

#define DIST_POLICY(name, spread, together, untimed, make) \
  std::unique_ptr<Policy> make(const PolicyOptions& options);
#include "core/schedule/policies.inc"
#undef DIST_POLICY

absl::Span<const PolicyEntry> Policies() {
#define DIST_POLICY(name, spread, together, untimed, make) \
  PolicyEntry{name, spread, together, untimed, make},
  static constexpr PolicyEntry kPolicies[] = {
#include "core/schedule/policies.inc"
  };
#undef DIST_POLICY
  return kPolicies;
}

const PolicyEntry* FindPolicy(absl::string_view name) {
  for (const PolicyEntry& entry : Policies()) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

}  // namespace dist
