#include "sync/scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"
#include "core/manifest/path_rules.h"
#include "sync/beneath.h"

namespace dist {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

int64_t Nanos(const timespec& t) {
  int64_t nanos = 0;
  // A clock beyond the year 2262 is a broken file system's; any value will do.
  if (__builtin_mul_overflow(t.tv_sec, kSecond, &nanos) ||
      __builtin_add_overflow(nanos, t.tv_nsec, &nanos)) {
    return INT64_MAX;
  }
  return nanos;
}

std::string Join(absl::string_view folder, absl::string_view name) {
  if (folder.empty()) return std::string(name);
  if (name.empty()) return std::string(folder);
  return absl::StrCat(folder == "/" ? "" : folder, "/", name);
}

// "../../x" from the folder of `path` to `inside`, both relative to the base.
std::string RelativeTarget(absl::string_view path, absl::string_view inside) {
  std::string target;
  for (const char c : path) {
    if (c == '/') target += "../";
  }
  absl::StrAppend(&target, inside);
  return target.empty() ? "." : target;
}

class Walker {
 public:
  Walker(const std::string& base, const std::string& alias,
         const IgnoreRules& rules, bool several, Scan* out)
      : base_(base),
        alias_(alias),
        rules_(rules),
        several_(several),
        out_(*out) {}

  absl::Status Walk(const SyncRoot& root) {
    root_ = &root;
    listed_.clear();
    ancestors_.clear();
    if (root.listed) {
      for (const std::string& path : *root.listed) {
        listed_.insert(path);
        absl::string_view folder = ParentPath(path);
        for (; !folder.empty(); folder = ParentPath(folder)) {
          if (!ancestors_.insert(std::string(folder)).second) break;
        }
      }
    }
    Fd base(open(base_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!base.ok()) return ErrnoStatus(errno, base_);
    if (root.path.empty()) {
      struct stat info;
      if (fstat(base.get(), &info) != 0) return ErrnoStatus(errno, base_);
      device_ = info.st_dev;
      return Folder(std::move(base), "", /*whole=*/false);
    }
    const absl::string_view parent = ParentPath(root.path);
    DIST_ASSIGN_OR_RETURN(const Fd folder,
                          OpenFolderBeneath(base.get(), parent));
    const std::string name(BaseName(root.path));
    struct stat info;
    if (fstatat(folder.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      return ErrnoStatus(errno, Join(base_, root.path));
    }
    device_ = info.st_dev;
    return Visit(folder.get(), name, root.path, info, /*whole=*/false);
  }

  // However many there are: in a line each kind.
  void WarnOfSkipped() {
    for (const auto& [what, skipped] : skipped_) {
      const size_t more = skipped.count - 1;
      out_.warnings.push_back(
          more == 0
              ? absl::StrCat(skipped.first, " is not synced: it is a ", what)
              : absl::StrCat(skipped.first, " and ", more,
                             " more are not synced: they are ", what, "s"));
    }
  }

 private:
  struct Skipped {
    std::string first;
    size_t count = 0;
  };

  // Path relative to the root that is walked.
  absl::string_view InRoot(absl::string_view path) const {
    absl::string_view rest = path;
    if (root_->path.empty()) return rest;
    rest.remove_prefix(root_->path.size());
    if (!rest.empty()) rest.remove_prefix(1);
    return rest;
  }

  void Skip(absl::string_view path, absl::string_view what) {
    Skipped& skipped = skipped_[what];
    if (skipped.count++ == 0) skipped.first = Printable(Join(base_, path));
  }

  void CannotRead(absl::string_view path, int error) {
    out_.unreadable.push_back(
        absl::StrCat(Printable(Join(base_, path)), ": ", strerror(error)));
  }

  // `whole`: the list does not matter, an ancestor is listed itself.
  bool Wanted(absl::string_view path, bool folder, bool whole) const {
    const absl::string_view in_root = InRoot(path);
    if (in_root.empty()) return true;
    if (rules_.Ignores(in_root, Join(base_, path))) return false;
    if (!root_->listed || whole || listed_.contains(in_root)) return true;
    return folder && ancestors_.contains(in_root);
  }

  absl::Status Visit(int folder, const std::string& name,
                     const std::string& path, const struct stat& info,
                     bool whole) {
    if (!Wanted(path, S_ISDIR(info.st_mode), whole)) return absl::OkStatus();
    // Roots may be nested. What one of them ignores may be in another.
    if (several_ && !seen_.insert(path).second && !S_ISDIR(info.st_mode)) {
      return absl::OkStatus();
    }
    const absl::Status safe = CheckTreePath(path);
    if (!safe.ok()) {
      out_.unreadable.push_back(std::string(safe.message()));
      return absl::OkStatus();
    }
    Entry entry;
    entry.path = path;
    // What its owner cannot read could not be verified there.
    entry.mode = (info.st_mode & kModeMask) | 0400;
    if (S_ISREG(info.st_mode)) {
      entry.size = static_cast<uint64_t>(info.st_size);
      entry.mtime = Nanos(info.st_mtim);
      out_.files.push_back({std::move(entry), FactsOf(info)});
    } else if (S_ISLNK(info.st_mode)) {
      Link(folder, name, std::move(entry));
    } else if (S_ISDIR(info.st_mode)) {
      return Enter(folder, name, std::move(entry), info, whole);
    } else {
      Skip(path, S_ISFIFO(info.st_mode)   ? "FIFO"
                 : S_ISSOCK(info.st_mode) ? "socket"
                                          : "device");
    }
    return absl::OkStatus();
  }

  void Link(int folder, const std::string& name, Entry entry) {
    char target[kMaxPath + 1];
    const ssize_t size =
        readlinkat(folder, name.c_str(), target, sizeof(target));
    if (size <= 0 || static_cast<size_t>(size) > kMaxPath) {
      if (size < 0 && errno == ENOENT) return;
      return CannotRead(entry.path, size < 0 ? errno : ENAMETOOLONG);
    }
    entry.type = EntryType::kLink;
    entry.mode = Entry().mode;
    entry.target = std::string(target, size);
    for (const std::string& base : {base_, alias_}) {
      absl::string_view text(target, size);
      if (base.empty() || base == "/" || !absl::ConsumePrefix(&text, base) ||
          !(text.empty() || absl::ConsumePrefix(&text, "/"))) {
        continue;
      }
      entry.target = RelativeTarget(entry.path, text);
      break;
    }
    if (!LinkStaysInside(entry.path, entry.target)) {
      out_.warnings.push_back(absl::StrCat(
          Printable(Join(base_, entry.path)),
          " points out of what is synced: ", Printable(entry.target)));
    }
    out_.others.push_back(std::move(entry));
  }

  absl::Status Enter(int folder, const std::string& name, Entry entry,
                     const struct stat& info, bool whole) {
    if (info.st_dev != device_) {
      out_.warnings.push_back(
          absl::StrCat(Printable(Join(base_, entry.path)),
                       " is not synced: it is another file system"));
      return absl::OkStatus();
    }
    Fd fd(openat(folder, name.c_str(),
                 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd.ok()) {
      if (errno != ENOENT) CannotRead(entry.path, errno);
      return absl::OkStatus();
    }
    const std::string path = entry.path;
    const bool all = whole || (root_->listed && listed_.contains(InRoot(path)));
    entry.type = EntryType::kFolder;
    // A tree that its owner cannot write could not be updated or removed.
    entry.mode |= 0700;
    out_.others.push_back(std::move(entry));
    return Folder(std::move(fd), path, all);
  }

  absl::Status Folder(Fd fd, const std::string& path, bool whole) {
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(fdopendir(fd.get()),
                                                  closedir);
    if (dir == nullptr) return ErrnoStatus(errno, Join(base_, path));
    const int folder = fd.Release();
    while (true) {
      errno = 0;
      const dirent* const found = readdir(dir.get());
      if (found == nullptr) {
        if (errno != 0) CannotRead(path, errno);
        return absl::OkStatus();
      }
      const std::string name = found->d_name;
      if (name == "." || name == "..") continue;
      const std::string child = Join(path, name);
      struct stat info;
      if (fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno != ENOENT) CannotRead(child, errno);
        continue;
      }
      DIST_RETURN_IF_ERROR(Visit(folder, name, child, info, whole));
    }
  }

  const std::string& base_;
  const std::string& alias_;
  const IgnoreRules& rules_;
  const bool several_;
  Scan& out_;
  std::map<absl::string_view, Skipped> skipped_;
  absl::flat_hash_set<std::string> seen_;  // Where there are several roots.
  const SyncRoot* root_ = nullptr;
  dev_t device_ = 0;
  absl::flat_hash_set<std::string> listed_;
  absl::flat_hash_set<std::string> ancestors_;  // Of what is listed.
};

}  // namespace

FileFacts FactsOf(const struct stat& info) {
  return {static_cast<uint64_t>(info.st_size), Nanos(info.st_mtim),
          Nanos(info.st_ctim), static_cast<uint64_t>(info.st_ino)};
}

absl::StatusOr<Scan> ScanTree(const std::string& base,
                              const std::vector<SyncRoot>& roots,
                              const IgnoreRules& rules,
                              const std::string& alias) {
  Scan scan;
  Walker walker(base, alias, rules, roots.size() > 1, &scan);
  for (const SyncRoot& root : roots) {
    DIST_RETURN_IF_ERROR(walker.Walk(root));
  }
  walker.WarnOfSkipped();
  return scan;
}

}  // namespace dist
