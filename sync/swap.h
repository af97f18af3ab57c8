// One thing of a tree in the place of another, by one rename.
//
// What is new is ready in the stage, a folder beside the tree; afterwards what
// was there before is in the stage.
#ifndef DIST_SYNC_SWAP_H_
#define DIST_SYNC_SWAP_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace dist {

// Of a folder or link that is to come into the tree, in the stage. No name of a
// content is like it.
inline constexpr char kNew[] = "new";

// Puts `made` of the stage in the place of `name` in `folder`, whatever is
// there; returns the name that this has in the stage, "" if there was nothing.
// `made` may be "": then nothing comes. Where the file system cannot exchange
// two names, a folder's is free for a moment (RecoverSwap() knows); a file or
// link is always the old one or the new one. Errors: Unimplemented if a folder
// cannot be renamed at all (overlayfs, from a lower layer); as of renameat().
// Then nothing has changed.
absl::StatusOr<std::string> Swap(int stage, const std::string& made, int folder,
                                 const std::string& name);

// Notes in the stage what is about to be swapped: the thing at `path` of the
// tree, "" for the tree itself.
absl::Status NoteSwap(int stage, const std::string& path);

// After a run that was killed: if the name of what it noted is free, gives it
// back to the old thing. If a folder was exchanged, moves what is always
// ignored, and so stays, from the old one to the new one. `home` is the folder
// that `stage` and `tree` are in. No error: what fails costs a cache, or is
// found when the tree is looked at.
void RecoverSwap(int home);

}  // namespace dist

#endif  // DIST_SYNC_SWAP_H_
