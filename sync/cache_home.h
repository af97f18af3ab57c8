// `${XDG_CACHE_HOME:-~/.cache}/dist`: all that dist keeps on a machine.
#ifndef DIST_SYNC_CACHE_HOME_H_
#define DIST_SYNC_CACHE_HOME_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sync/fd.h"

namespace dist {

// Its path; "" if XDG_CACHE_HOME is no absolute path and HOME no folder.
std::string CacheHomePath();

// Nothing was ever synced there. False if there is no path.
bool IsFresh(const std::string& cache_home);

// The same for a node, looked up once. Where it cannot be used, since the file
// system is read-only or full or there is no home, the folder that was found
// for the node's program (docs/bootstrap.md) holds the rest, too.
const std::string& NodeCacheHomePath();

// What that comes to: `usual` is CacheHomePath(), `program` the path of the
// file that runs, "FOLDER/programs/HASH/NAME" if it is kept in a cache.
std::string ChooseCacheHome(const std::string& usual,
                            const std::string& program);

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
