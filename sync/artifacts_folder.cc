#include "sync/artifacts_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "sync/beneath.h"
#include "sync/cache_home.h"

namespace dist {
namespace {

// The lock of a living node's folder is held.
void RemoveAbandoned(int all) {
  for (const std::string& name : NamesIn(all)) {
    const Fd folder(openat(all, name.c_str(),
                           O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (folder.ok() && flock(folder.get(), LOCK_EX | LOCK_NB) == 0) {
      RemoveAll(all, name).IgnoreError();
    }
  }
}

}  // namespace

absl::StatusOr<ArtifactsFolder> ArtifactsFolder::Make(
    const std::string& cache_home) {
  if (cache_home.empty()) {
    return absl::FailedPreconditionError(
        "neither HOME nor XDG_CACHE_HOME is set there");
  }
  DIST_ASSIGN_OR_RETURN(const Fd home, OpenPrivateFolder(cache_home));
  ArtifactsFolder made;
  DIST_ASSIGN_OR_RETURN(made.all_,
                        OpenPrivateFolderAt(home.get(), "artifacts"));
  // Whoever cleans up beside us waits, and so never meets a folder that has
  // been made and not been locked.
  if (flock(made.all_.get(), LOCK_EX) != 0) {
    return ErrnoStatus(errno, "artifacts");
  }
  RemoveAbandoned(made.all_.get());
  std::random_device random;
  made.name_ = absl::StrCat(absl::Hex(random()), absl::Hex(random()));
  DIST_ASSIGN_OR_RETURN(made.folder_,
                        OpenPrivateFolderAt(made.all_.get(), made.name_));
  const int locked = flock(made.folder_.get(), LOCK_EX | LOCK_NB);
  const int why = errno;
  flock(made.all_.get(), LOCK_UN);
  if (locked != 0) return ErrnoStatus(why, "artifacts");
  made.path_ = absl::StrCat(cache_home, "/artifacts/", made.name_);
  return made;
}

ArtifactsFolder::~ArtifactsFolder() {
  if (folder_.ok()) RemoveAll(all_.get(), name_).IgnoreError();
}

}  // namespace dist
