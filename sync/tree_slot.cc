#include "sync/tree_slot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"
#include "core/manifest/digest.h"
#include "sync/beneath.h"
#include "sync/cache_home.h"
#include "sync/swap.h"

namespace dist {
namespace {

// More runs at once of one project on one host are a mistake.
constexpr int kMaxTrees = 64;
constexpr char kTree[] = "tree";
constexpr char kFirst[] = "first";
constexpr char kStage[] = "stage";
// In a chdir= folder: renames work within one file system only.
constexpr char kStageThere[] = ".dist-stage";

bool IsProjectName(const std::string& name) {
  return name.size() >= 16 && name.size() <= 64 &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f');
         });
}

// The locked file, or nothing if somebody else has it. It may have been removed
// between our open() and flock(): then it locks nothing.
absl::StatusOr<Fd> TryLock(int folder) {
  for (int i = 0; i < 8; ++i) {
    Fd fd(openat(folder, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
                 0600));
    if (!fd.ok()) return ErrnoStatus(errno, "lock");
    if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EINTR) continue;
      if (errno == EWOULDBLOCK) return Fd();
      return ErrnoStatus(errno, "lock");
    }
    struct stat ours, theirs;
    if (fstat(fd.get(), &ours) == 0 &&
        fstatat(folder, "lock", &theirs, 0) == 0 &&
        ours.st_ino == theirs.st_ino) {
      futimens(fd.get(), nullptr);  // Its age is that of the tree's last use.
      return fd;
    }
  }
  return absl::UnavailableError(
      "the lock of a tree is removed again and again");
}

absl::StatusOr<std::string> PathOf(const Fd& folder) {
  char path[PATH_MAX];
  const std::string link = absl::StrCat("/proc/self/fd/", folder.get());
  const ssize_t size = readlink(link.c_str(), path, sizeof(path));
  if (size < 0) return ErrnoStatus(errno, link);
  return std::string(path, size);
}

}  // namespace

absl::StatusOr<TreeSlot> TreeSlot::Claim(const std::string& cache_home,
                                         const std::string& project,
                                         const std::string& folder) {
  if (!IsProjectName(project)) {
    return absl::InvalidArgumentError("malformed name of a project");
  }
  if (folder.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError("malformed name of a folder");
  }
  if (cache_home.empty()) {
    return absl::FailedPreconditionError(
        "neither HOME nor XDG_CACHE_HOME is set there\nhelp: set one with "
        "env:HOME=DIR, or use --no-sync");
  }
  DIST_ASSIGN_OR_RETURN(const Fd home, OpenPrivateFolder(cache_home));
  DIST_ASSIGN_OR_RETURN(const Fd trees,
                        OpenPrivateFolderAt(home.get(), "trees"));
  TreeSlot slot;
  slot.own_ = folder.empty();
  slot.home_path_ = absl::StrCat(cache_home, "/trees/");
  DIST_RETURN_IF_ERROR(slot.own_ ? slot.OpenOwn(trees.get(), project)
                                 : slot.OpenAt(trees.get(), project, folder));
  return slot;
}

absl::Status TreeSlot::OpenOwn(int trees, const std::string& project) {
  DIST_ASSIGN_OR_RETURN(const Fd all, OpenPrivateFolderAt(trees, project));
  for (int n = 0; n < kMaxTrees; ++n) {
    const std::string name = absl::StrCat(n);
    DIST_ASSIGN_OR_RETURN(home_, OpenPrivateFolderAt(all.get(), name));
    DIST_ASSIGN_OR_RETURN(lock_, TryLock(home_.get()));
    if (!lock_.ok()) continue;
    ledger_ = "ledger";
    absl::StrAppend(&home_path_, project, "/", name);
    path_ = absl::StrCat(home_path_, "/", kTree);
    RecoverSwap(home_.get());
    fresh_ = faccessat(home_.get(), kTree, F_OK, AT_SYMLINK_NOFOLLOW) != 0;
    DIST_ASSIGN_OR_RETURN(
        tree_, OpenPrivateFolderAt(home_.get(), fresh_ ? kFirst : kTree));
    return absl::OkStatus();
  }
  return absl::UnavailableError(
      absl::StrCat(kMaxTrees, " runs of this project use this host already"));
}

absl::Status TreeSlot::OpenAt(int trees, const std::string& project,
                              const std::string& folder) {
  const char* home = getenv("HOME");
  const std::string wanted = ExpandHome(folder, home != nullptr ? home : "");
  DIST_ASSIGN_OR_RETURN(tree_, OpenOrMakeFolder(wanted, 0777));
  DIST_ASSIGN_OR_RETURN(path_, PathOf(tree_));
  const std::string name =
      absl::StrCat("at-", DigestOf(path_).Hex().substr(0, 32));
  DIST_ASSIGN_OR_RETURN(const Fd all, OpenPrivateFolderAt(trees, name));
  DIST_ASSIGN_OR_RETURN(home_, OpenPrivateFolderAt(all.get(), "0"));
  DIST_ASSIGN_OR_RETURN(lock_, TryLock(home_.get()));
  if (!lock_.ok()) {
    return absl::UnavailableError(
        absl::StrCat(Printable(path_), " is in use by another run"));
  }
  ledger_ = project;
  absl::StrAppend(&home_path_, name, "/0");
  return absl::OkStatus();
}

absl::Status TreeSlot::Publish() {
  if (renameat(home_.get(), kFirst, home_.get(), kTree) != 0) {
    return ErrnoStatus(errno, path_);
  }
  fresh_ = false;
  return absl::OkStatus();
}

absl::Status TreeSlot::ReopenTree() {
  DIST_ASSIGN_OR_RETURN(const Fd tree, OpenPrivateFolderAt(home_.get(), kTree));
  if (dup3(tree.get(), tree_.get(), O_CLOEXEC) < 0) {
    return ErrnoStatus(errno, path_);
  }
  return absl::OkStatus();
}

absl::Status TreeSlot::OpenStage() {
  const int folder = own_ ? home_.get() : tree_.get();
  DIST_ASSIGN_OR_RETURN(
      stage_, OpenPrivateFolderAt(folder, own_ ? kStage : kStageThere));
  return absl::OkStatus();
}

bool TreeSlot::HasStage() const {
  return faccessat(own_ ? home_.get() : tree_.get(),
                   own_ ? kStage : kStageThere, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

absl::Status TreeSlot::RemoveStage() {
  stage_.Close();
  return RemoveAll(own_ ? home_.get() : tree_.get(),
                   own_ ? kStage : kStageThere);
}

}  // namespace dist
