// `${XDG_CACHE_HOME:-~/.cache}/dist`: all that dist keeps on a machine.
#ifndef DIST_SYNC_CACHE_HOME_H_
#define DIST_SYNC_CACHE_HOME_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sync/fd.h"

namespace dist {

// Its path; "" if neither XDG_CACHE_HOME nor HOME is set (to an absolute path).
std::string CacheHomePath();

// Nothing was ever synced there. False if there is no path.
bool IsFresh(const std::string& cache_home);

// Opens `path`, made with mode 0700 if missing. Errors: PermissionDenied if it
// belongs to another account or others may write to it, which no wish of the
// user's overrides.
absl::StatusOr<Fd> OpenPrivateFolder(const std::string& path);
// The same for the folder `name` in `parent`, which must be no link.
absl::StatusOr<Fd> OpenPrivateFolderAt(int parent, const std::string& name);

// Replaces `name` in `folder` by one rename: readers see the old bytes or the
// new ones. Mode 0600.
absl::Status ReplaceFile(int folder, const std::string& name,
                         absl::string_view bytes);

}  // namespace dist

#endif  // DIST_SYNC_CACHE_HOME_H_
