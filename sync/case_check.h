// File systems that take two names for one: those that ignore case.
#ifndef DIST_SYNC_CASE_CHECK_H_
#define DIST_SYNC_CASE_CHECK_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/manifest/packed_manifest.h"

namespace dist {

// What a file system takes a name for: equal for names that are one to it.
using NameIdentity =
    std::function<absl::StatusOr<uint64_t>(const std::string& name)>;

// Errors: FailedPrecondition for two paths of the manifest that would be one
// thing in the folder `where`, naming both; as of `identity`.
absl::Status FindOneNamed(const PackedManifest& manifest,
                          const NameIdentity& identity,
                          const std::string& where);

// The same where the folder `stage` is, if it ignores case: tries all names in
// it, so that the file system's own rules decide, and leaves none. Elsewhere it
// costs three system calls.
absl::Status CheckNamesApart(int stage, const PackedManifest& manifest,
                             const std::string& where);

}  // namespace dist

#endif  // DIST_SYNC_CASE_CHECK_H_
