#include "sync/case_check.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <utility>

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

absl::Status FindOneNamed(const Manifest& manifest,
                          const NameIdentity& identity,
                          const std::string& where) {
  absl::flat_hash_map<absl::string_view, uint64_t> identities;  // By name.
  absl::flat_hash_map<std::pair<absl::string_view, uint64_t>, absl::string_view>
      paths;  // By folder and what the name is.
  for (const Entry& entry : manifest.entries) {
    const absl::string_view name = BaseName(entry.path);
    const auto [known, added] = identities.try_emplace(name);
    if (added) {
      DIST_ASSIGN_OR_RETURN(known->second, identity(std::string(name)));
    }
    const auto [other, first] =
        paths.try_emplace({ParentPath(entry.path), known->second}, entry.path);
    if (first) continue;
    return absl::FailedPreconditionError(absl::StrCat(
        Printable(other->second), " and ", Printable(entry.path),
        " would be one thing in ", Printable(where),
        ": its file system ignores case\nhelp: rename one of them, leave it "
        "out (--rsyncignore GLOB), or sync to another file system"));
  }
  return absl::OkStatus();
}

absl::Status CheckNamesApart(int stage, const Manifest& manifest,
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
