// What must stay together: tests that share a key run on one worker, in order.
#ifndef DIST_CORE_SCHEDULE_TOGETHER_H_
#define DIST_CORE_SCHEDULE_TOGETHER_H_

#include "absl/strings/string_view.h"

namespace dist {

enum class Together {
  kNothing,
  kScope,  // pytest-xdist's loadscope: a class, or the functions of a module.
  kFile,
  kGroup,  // Tests with the same xdist_group mark; others are on their own.
};

// The key of the test `id`, marked with `group` (or ""). Empty: on its own.
// Points into one of the two.
absl::string_view BundleKey(Together together, absl::string_view id,
                            absl::string_view group);

}  // namespace dist

#endif  // DIST_CORE_SCHEDULE_TOGETHER_H_
