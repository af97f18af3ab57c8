#include "core/framework/session.h"

namespace dist {

#define DIST_FRAMEWORK(entry) FrameworkEntry entry();
#include "core/framework/frameworks.inc"
#undef DIST_FRAMEWORK

absl::Span<const FrameworkEntry> Frameworks() {
#define DIST_FRAMEWORK(entry) entry(),
  static const FrameworkEntry kFrameworks[] = {
#include "core/framework/frameworks.inc"
  };
#undef DIST_FRAMEWORK
  return kFrameworks;
}

const FrameworkEntry* FindFramework(absl::string_view name) {
  for (const FrameworkEntry& entry : Frameworks()) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

}  // namespace dist
