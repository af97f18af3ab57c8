#include "sync/case_check.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"
#include "core/manifest/path_rules.h"
#include "sync/beneath.h"

namespace dist {
namespace {

// No name of a content is like it.
constexpr char kTrial[] = "trial";
constexpr char kLoudTrial[] = "TRIAL";

// Makes the name, unless it is there already.
absl::StatusOr<uint64_t> InodeOf(int folder, const std::string& name) {
  const Fd fd(openat(folder, name.c_str(),
                     O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  struct stat info;
  if (!fd.ok() || fstat(fd.get(), &info) != 0) return ErrnoStatus(errno, name);
  return info.st_ino;
}

}  // namespace

absl::Status FindOneNamed(const PackedManifest& manifest,
                          const NameIdentity& identity,
                          const std::string& where) {
  absl::flat_hash_map<std::string, uint64_t> identities;  // By name.
  // The folders that the next entry may be in, and what is in them: paths by
  // what their names are.
  struct Folder {
    std::string path;
    absl::flat_hash_map<uint64_t, std::string> paths;
  };
  std::vector<Folder> open(1);
  for (const Entry& entry : manifest) {
    const std::string name(BaseName(entry.path));
    const auto [known, added] = identities.try_emplace(name);
    if (added) {
      DIST_ASSIGN_OR_RETURN(known->second, identity(name));
    }
    while (open.back().path != ParentPath(entry.path)) open.pop_back();
    const auto [other, first] =
        open.back().paths.try_emplace(known->second, entry.path);
    if (first) {
      if (entry.type == EntryType::kFolder) open.push_back({entry.path, {}});
      continue;
    }
    return absl::FailedPreconditionError(absl::StrCat(
        Printable(other->second), " and ", Printable(entry.path),
        " would be one thing in ", Printable(where),
        ": its file system ignores case\nhelp: rename one of them, leave it "
        "out (--rsyncignore GLOB), or sync to another file system"));
  }
  return absl::OkStatus();
}

absl::Status CheckNamesApart(int stage, const PackedManifest& manifest,
                             const std::string& where) {
  if (mkdirat(stage, kTrial, 0700) != 0) return ErrnoStatus(errno, kTrial);
  absl::Status status;
  struct stat info;
  if (fstatat(stage, kLoudTrial, &info, AT_SYMLINK_NOFOLLOW) == 0) {
    DIST_ASSIGN_OR_RETURN(const Fd folder, OpenFolderBeneath(stage, kTrial));
    status = FindOneNamed(
        manifest,
        [&](const std::string& name) { return InodeOf(folder.get(), name); },
        where);
  }
  const absl::Status removed = RemoveAll(stage, kTrial);
  return status.ok() ? removed : status;
}

}  // namespace dist
