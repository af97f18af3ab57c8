// Opening and making things below a folder without ever leaving it: no ".." and
// no symbolic link is followed, whoever changes the folder meanwhile.
#ifndef DIST_SYNC_BENEATH_H_
#define DIST_SYNC_BENEATH_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sync/fd.h"

namespace dist {

// How OpenBeneath finds its way; kAuto: openat2 where the kernel has it.
enum class Resolve { kAuto, kStepwise };

// openat() of a path that CheckTreePath accepts, or "" for the folder itself,
// below `root`. O_CLOEXEC and O_NOFOLLOW are added to `flags`. Errors:
// FailedPrecondition for a symbolic link on the way, else as of openat().
absl::StatusOr<Fd> OpenBeneath(int root, absl::string_view path, int flags,
                               mode_t mode = 0,
                               Resolve resolve = Resolve::kAuto);

// The same for a folder.
absl::StatusOr<Fd> OpenFolderBeneath(int root, absl::string_view path);

// Opens folders of a tree one after another, in any order; walks in order are
// cheap, since the last one is kept.
class FolderWalk {
 public:
  // `root` is not owned and must outlive this.
  explicit FolderWalk(int root) : root_(root) {}

  // The folder at `path`; "" is the root. Valid until the next call.
  absl::StatusOr<int> At(absl::string_view path);
  // Folders may have been replaced: open anew.
  void Forget() { folder_.Close(); }

 private:
  const int root_;
  std::string path_;
  Fd folder_;
};

// Opens the absolute `path`, whose links are followed: it is the user's own
// word. Missing folders are made with `mode`, nested ones too.
absl::StatusOr<Fd> OpenOrMakeFolder(const std::string& path, mode_t mode);

// Removes what is at `name` in `folder`: a file, a link (not what it points
// to), or a folder with all that is in it. OK if there is nothing.
absl::Status RemoveAll(int folder, const std::string& name);

// Gives the folder `name` that mode, if it is ours and has another: tests take
// rights away, also from us. Follows no link. Best effort.
void RestoreMode(int folder, const std::string& name, mode_t mode);

// The names in a folder, without "." and ".."; none if it cannot be read.
std::vector<std::string> NamesIn(int folder);

}  // namespace dist

#endif  // DIST_SYNC_BENEATH_H_
