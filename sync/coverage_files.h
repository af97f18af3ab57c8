// Data files of coverage.py that came from a host go where `coverage combine`
// looks for them.
#ifndef DIST_SYNC_COVERAGE_FILES_H_
#define DIST_SYNC_COVERAGE_FILES_H_

#include <string>

#include "absl/status/statusor.h"

namespace dist {

// Moves them from one folder to another on the same file system; a file that is
// there already is replaced. Returns how many. Errors: as of open().
absl::StatusOr<int> MoveCoverageFiles(const std::string& from,
                                      const std::string& to);

// Removes the folder and those in it as far as nothing else is in them.
void RemoveEmptyFolders(const std::string& path);

}  // namespace dist

#endif  // DIST_SYNC_COVERAGE_FILES_H_
