#include "sync/gather.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"
#include "core/manifest/ignore.h"
#include "core/manifest/path_rules.h"
#include "sync/beneath.h"

namespace dist {
namespace {

class Walker {
 public:
  explicit Walker(const GatherRequest& request) : request_(request) {}

  void Walk(int folder, const std::string& path, size_t depth) {
    std::vector<std::string> names = NamesIn(folder);
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) {
      struct stat info;
      if (fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
        continue;
      }
      const std::string at =
          path.empty() ? name : absl::StrCat(path, "/", name);
      if (S_ISREG(info.st_mode)) {
        if (Matches(at, info)) Take(at, static_cast<uint64_t>(info.st_size));
      } else if (S_ISDIR(info.st_mode) && depth < kMaxDepth) {
        const Fd inner(openat(folder, name.c_str(),
                              O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (inner.ok()) Walk(inner.get(), at, depth + 1);
      }
    }
  }

  const std::vector<std::string>& files() const { return files_; }

  std::string LeftOut() const {
    if (left_files_ == 0) return "";
    return absl::StrCat(
        left_files_, left_files_ == 1 ? " file of " : " files of ", left_bytes_,
        " bytes left there: at most ", request_.max_files, " files and ",
        request_.max_bytes >> 20, " MiB are fetched");
  }

 private:
  bool Matches(const std::string& path, const struct stat& info) const {
    return std::any_of(
        request_.globs.begin(), request_.globs.end(),
        [&](const std::string& glob) {
          if (glob == kCoverageFiles && FactsOf(info).ctime < request_.since) {
            return false;
          }
          const bool whole =
              absl::StrContains(glob, '/') || absl::StrContains(glob, "**");
          return MatchesGlob(glob, whole ? path : BaseName(path));
        });
  }

  void Take(const std::string& path, uint64_t size) {
    if (!CheckTreePath(path).ok() || files_.size() >= request_.max_files ||
        size > request_.max_bytes - bytes_) {
      ++left_files_;
      left_bytes_ += size;
      return;
    }
    bytes_ += size;
    files_.push_back(path);
  }

  const GatherRequest& request_;
  std::vector<std::string> files_;
  uint64_t bytes_ = 0;
  uint64_t left_files_ = 0;
  uint64_t left_bytes_ = 0;
};

}  // namespace

absl::StatusOr<Gathered> Gather(const GatherRequest& request) {
  const Fd folder(
      open(request.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.ok()) return ErrnoStatus(errno, request.folder);
  Walker walker(request);
  walker.Walk(folder.get(), "", 1);
  Gathered gathered;
  if (const std::string note = walker.LeftOut(); !note.empty()) {
    gathered.notes.push_back(note);
  }
  if (walker.files().empty()) return gathered;
  SnapshotRequest wanted;
  wanted.base = request.folder;
  for (const std::string& path : walker.files()) {
    wanted.roots.push_back({path, std::nullopt});
  }
  wanted.lenient = true;
  DIST_ASSIGN_OR_RETURN(gathered.snapshot, Snapshot::Take(wanted, nullptr));
  for (const std::string& warning : gathered.snapshot->warnings()) {
    gathered.notes.push_back(warning);
  }
  return gathered;
}

}  // namespace dist
