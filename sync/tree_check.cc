#include "sync/tree_check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/manifest/diff.h"
#include "core/manifest/ignore.h"
#include "core/manifest/path_rules.h"
#include "sync/beneath.h"
#include "sync/content_file.h"
#include "sync/gather.h"

namespace dist {
namespace {

class Checker {
 public:
  Checker(const Ledger& ledger, const Ledger& intent, const Manifest& want,
          TreeState* state)
      : ledger_(ledger), intent_(intent), want_(want), state_(*state) {}

  absl::Status Folder(Fd fd, const std::string& path) {
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(fdopendir(fd.get()),
                                                  closedir);
    if (dir == nullptr) return ErrnoStatus(errno, path);
    const int folder = fd.Release();
    while (true) {
      errno = 0;
      const dirent* const found = readdir(dir.get());
      if (found == nullptr) {
        return errno == 0 ? absl::OkStatus() : ErrnoStatus(errno, path);
      }
      const std::string name = found->d_name;
      if (name == "." || name == "..") continue;
      struct stat info;
      if (fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) continue;
        return ErrnoStatus(errno, path);
      }
      const std::string child =
          path.empty() ? name : absl::StrCat(path, "/", name);
      DIST_RETURN_IF_ERROR(Visit(folder, name, child, info));
    }
  }

 private:
  absl::Status Visit(int folder, const std::string& name,
                     const std::string& path, const struct stat& info) {
    const Entry* const ours = ledger_.manifest->Find(path);
    const Entry* const wanted = want_.Find(path);
    const Entry* const intended = intent_.manifest->Find(path);
    if (S_ISDIR(info.st_mode)) {
      const bool known = IsType(ours, EntryType::kFolder) ||
                         IsType(intended, EntryType::kFolder) ||
                         IsType(wanted, EntryType::kFolder);
      return known ? Enter(folder, name, path, info) : Foreign(name, path);
    }
    if (S_ISLNK(info.st_mode)) {
      const std::string target = Target(folder, name);
      for (const Entry* entry : {ours, intended, wanted}) {
        if (IsType(entry, EntryType::kLink) && entry->target == target) {
          Keep(*entry);
          return absl::OkStatus();
        }
      }
    } else if (S_ISREG(info.st_mode) &&
               File(folder, name, path, info, wanted)) {
      return absl::OkStatus();
    }
    return Foreign(name, path);
  }

  static bool IsType(const Entry* entry, EntryType type) {
    return entry != nullptr && entry->type == type;
  }

  static std::string Target(int folder, const std::string& name) {
    char target[kMaxPath + 1];
    const ssize_t size =
        readlinkat(folder, name.c_str(), target, sizeof(target));
    return size < 0 ? "" : std::string(target, size);
  }

  absl::Status Enter(int folder, const std::string& name,
                     const std::string& path, const struct stat& info) {
    // Ours always have these; the rest of the mode is restored at the end.
    if ((info.st_mode & 0700) != 0700) {
      RestoreMode(folder, name, (info.st_mode & 07777) | 0700);
    }
    Fd fd(openat(folder, name.c_str(),
                 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd.ok()) return ErrnoStatus(errno, path);
    Entry entry;
    entry.path = path;
    entry.type = EntryType::kFolder;
    entry.mode = info.st_mode & 07777;
    Keep(std::move(entry));
    return Folder(std::move(fd), path);
  }

  bool File(int folder, const std::string& name, const std::string& path,
            const struct stat& info, const Entry* wanted) {
    const FileFacts facts = FactsOf(info);
    const Entry* const ours = ledger_.manifest->Find(path);
    const bool untouched =
        IsType(ours, EntryType::kFile) &&
        facts == ledger_.facts[ours - ledger_.manifest->entries.data()];
    const bool same_wanted =
        IsType(wanted, EntryType::kFile) && wanted->size == facts.size;
    if (untouched && (ledger_.since_boot || !same_wanted)) {
      KeepFile(*ours, facts, info.st_mode);
      return true;
    }
    state_.noted = false;
    if (!same_wanted) {
      const Entry* const intended = Intended(path, facts);
      if (intended == nullptr) return false;
      KeepFile(*intended, facts, info.st_mode);
      return true;
    }
    const Fd fd(openat(folder, name.c_str(),
                       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd.ok()) return false;
    const auto digest = DigestOfFile(fd.get(), wanted->size);
    struct stat after;
    if (!digest.ok() || *digest != wanted->digest ||
        fstat(fd.get(), &after) != 0 || FactsOf(after) != facts) {
      return false;
    }
    KeepFile(*wanted, facts, info.st_mode);
    return true;
  }

  // The entry of a file that the unfinished sync has put there. Renaming it has
  // changed its ctime since that was noted.
  const Entry* Intended(const std::string& path, FileFacts facts) const {
    const Entry* const entry = intent_.manifest->Find(path);
    if (!IsType(entry, EntryType::kFile)) return nullptr;
    const FileFacts& noted =
        intent_.facts[entry - intent_.manifest->entries.data()];
    facts.ctime = noted.ctime;
    return facts == noted ? entry : nullptr;
  }

  // `content` has size and digest; the rest is as it is on the disk.
  void KeepFile(Entry content, const FileFacts& facts, mode_t mode) {
    content.mode = mode & 07777;
    content.mtime = facts.mtime;
    state_.facts[content.path] = facts;
    Keep(std::move(content));
  }

  void Keep(Entry entry) {
    bool known = false;
    bool theirs = false;
    for (const Ledger* ledger : {&ledger_, &intent_}) {
      known = known || IsType(ledger->manifest->Find(entry.path), entry.type);
      theirs = theirs || ledger->theirs.contains(entry.path);
    }
    if (!known || theirs) state_.theirs.insert(entry.path);
    state_.intact.entries.push_back(std::move(entry));
  }

  absl::Status Foreign(const std::string& name, const std::string& path) {
    if (name == "__pycache__") {
      state_.bytecode.push_back(path);
    } else if (!IsAlwaysIgnored(name) || MatchesGlob(kCoverageFiles, name) ||
               want_.Find(path) != nullptr) {
      state_.foreign.push_back(path);
      if (ledger_.manifest->Find(path) != nullptr ||
          intent_.manifest->Find(path) != nullptr || ledger_.hash.empty()) {
        state_.spoilt.insert(path);
      }
    } else {
      state_.kept.push_back(path);
    }
    return absl::OkStatus();
  }

  const Ledger& ledger_;
  const Ledger& intent_;
  const Manifest& want_;
  TreeState& state_;
};

}  // namespace

absl::StatusOr<TreeState> CheckTree(int tree, const Ledger& ledger,
                                    const Ledger& intent,
                                    const Manifest& want) {
  TreeState state;
  DIST_ASSIGN_OR_RETURN(Fd folder, OpenFolderBeneath(tree, ""));
  DIST_RETURN_IF_ERROR(
      Checker(ledger, intent, want, &state).Folder(std::move(folder), ""));
  Complete(&state.intact);
  state.as_wanted = state.intact.entries == want.entries;
  return state;
}

}  // namespace dist
