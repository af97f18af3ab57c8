// `${XDG_CACHE_HOME:-~/.cache}/dist`: all that dist keeps on a machine.
#ifndef DIST_SYNC_CACHE_HOME_H_
#define DIST_SYNC_CACHE_HOME_H_

#include <cstdint>
#include <initializer_list>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sync/fd.h"

namespace dist {

// Its path; "" if XDG_CACHE_HOME is no absolute path and HOME is none, or not
// there.
std::string CacheHomePath();

// Where a node keeps its own: the first of CacheHomePath(), /var/tmp/dist-UID
// and /dev/shm/dist-UID that is private and writable, has room, and where
// programs may be executed, as the bootstrap has it. CacheHomePath() if none
// is.
struct CacheHome {
  std::string path;
  std::string passed_over;  // Why not CacheHomePath(); "": it is that.
  std::string unusable;     // Why nothing can be kept there; "": it can.
  uint64_t free_bytes = 0;  // For us, on the disk of that folder.
};
// Makes it.
CacheHome FindCacheHome();
// What FindCacheHome() would say; makes nothing.
CacheHome LookForCacheHome();

// Nothing was ever synced there. False if there is no path.
bool IsFresh(const std::string& cache_home);

// Opens `path`, made with mode 0700 if missing. Errors: PermissionDenied if it
// belongs to another account or others may write to it, which no wish of the
// user's overrides.
absl::StatusOr<Fd> OpenPrivateFolder(const std::string& path);
// The same for the folder `name` in `parent`, which must be no link.
absl::StatusOr<Fd> OpenPrivateFolderAt(int parent, const std::string& name);

// Replaces `name` in `folder` by one rename: readers see the old bytes or the
// new ones, which are `pieces`, one after another. Mode 0600.
absl::Status ReplaceFile(int folder, const std::string& name,
                         std::initializer_list<absl::string_view> pieces);

}  // namespace dist

#endif  // DIST_SYNC_CACHE_HOME_H_
