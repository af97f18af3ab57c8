// Contents that this machine has already, in trees that other runs have left.
#ifndef DIST_SYNC_OTHER_TREES_H_
#define DIST_SYNC_OTHER_TREES_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/manifest/packed_manifest.h"

namespace dist {

// Calls `visit` with the folder of each tree of the account, and what was put
// there: the ones of `project` first, then those that were used last, a few
// only. The folder `own_home` is left out. What is there may be something else
// by now: verify it (CopyContent() does). Errors: the first of `visit`.
absl::Status VisitOtherTrees(
    const std::string& cache_home, absl::string_view project,
    const std::string& own_home,
    absl::FunctionRef<absl::Status(int tree, const PackedManifest& has)> visit);

}  // namespace dist

#endif  // DIST_SYNC_OTHER_TREES_H_
