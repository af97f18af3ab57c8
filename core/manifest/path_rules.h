// Which paths may name something in a tree that a peer describes.
//
// Paths are bytes, relative, with "/" between their components. A path that
// passes names something below the tree's folder as long as no component of it
// is a symbolic link; whoever opens it sees to that (sync/beneath.h).
#ifndef DIST_CORE_MANIFEST_PATH_RULES_H_
#define DIST_CORE_MANIFEST_PATH_RULES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace dist {

inline constexpr size_t kMaxDepth = 64;
inline constexpr size_t kMaxName = 255;   // Bytes of a component.
inline constexpr size_t kMaxPath = 4095;  // Bytes of a path.

// OK for one to 64 components, none of them "", "." or "..", without NUL.
// Errors: InvalidArgument that names the path and the rule.
absl::Status CheckTreePath(absl::string_view path);

// Less, equal, greater as <0, 0, >0. "/" sorts before every other byte: the
// order in which a walk meets entries, each folder right before what is in it.
int ComparePaths(absl::string_view a, absl::string_view b);

// "a/b" of "a/b/c"; "" of "a".
absl::string_view ParentPath(absl::string_view path);
// "c" of "a/b/c".
absl::string_view BaseName(absl::string_view path);

// `path` is `folder` or below it; "" is the tree.
bool IsPathUnder(absl::string_view path, absl::string_view folder);
// "c" of "a/b/c" below "a/b". REQUIRES: it is below.
absl::string_view PathBelow(absl::string_view path, absl::string_view folder);

// True if the target of a symbolic link at `path` stays in the tree when it is
// read without a look at the file system. Absolute ones do not.
bool LinkStaysInside(absl::string_view path, absl::string_view target);

}  // namespace dist

#endif  // DIST_CORE_MANIFEST_PATH_RULES_H_
