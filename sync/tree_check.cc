#include "sync/tree_check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/manifest/ignore.h"
#include "core/manifest/path_rules.h"
#include "sync/beneath.h"
#include "sync/content_file.h"
#include "sync/gather.h"

namespace dist {
namespace {

using In = Found::In;

// Sorted, so that a walk meets paths in the order of manifests: in a folder no
// two paths share more than a name.
absl::StatusOr<std::vector<std::string>> SortedNames(DIR* dir,
                                                     const std::string& path) {
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    const dirent* const found = readdir(dir);
    if (found == nullptr) break;
    const absl::string_view name = found->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return ErrnoStatus(errno, path);
  std::sort(names.begin(), names.end());
  return names;
}

// Walks the tree in step with the three manifests.
class Checker {
 public:
  Checker(bool own, const Ledger& ledger, const Ledger& intent,
          const PackedManifest& want, TreeState* state)
      : own_(own),
        ledger_(ledger),
        intent_(intent),
        ledger_cursor_(*ledger.manifest),
        intent_cursor_(*intent.manifest),
        want_cursor_(want),
        state_(*state) {}

  absl::Status Folder(Fd fd, const std::string& path) {
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(fdopendir(fd.get()),
                                                  closedir);
    if (dir == nullptr) return ErrnoStatus(errno, path);
    const int folder = fd.Release();
    DIST_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                          SortedNames(dir.get(), path));
    for (const std::string& name : names) {
      struct stat info;
      if (fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) continue;
        return ErrnoStatus(errno, path);
      }
      const std::string child =
          path.empty() ? name : absl::StrCat(path, "/", name);
      DIST_RETURN_IF_ERROR(Visit(folder, name, child, info));
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Visit(int folder, const std::string& name,
                     const std::string& path, const struct stat& info) {
    ours_ = At(path, &ledger_cursor_);
    intended_ = At(path, &intent_cursor_);
    wanted_ = At(path, &want_cursor_);
    if (S_ISDIR(info.st_mode)) {
      const std::optional<In> in = Known(EntryType::kFolder);
      return in ? Enter(folder, name, path, info, *in) : NotOurs(name, path);
    }
    if (S_ISLNK(info.st_mode)) {
      const std::string target = Target(folder, name);
      for (const In in : {In::kLedger, In::kIntent, In::kWanted}) {
        if (Is(EntryIn(in), EntryType::kLink) &&
            EntryIn(in)->target == target) {
          Keep(in, EntryType::kLink, EntryIn(in)->mode, {}, path);
          return absl::OkStatus();
        }
      }
    } else if (S_ISREG(info.st_mode) && File(folder, name, path, info)) {
      return absl::OkStatus();
    }
    return NotOurs(name, path);
  }

  static const Entry* At(const std::string& path,
                         PackedManifest::Cursor* cursor) {
    return cursor->Advance(path) ? &cursor->entry() : nullptr;
  }

  static bool Is(const Entry* entry, EntryType type) {
    return entry != nullptr && entry->type == type;
  }

  const Entry* EntryIn(In in) const {
    return in == In::kLedger ? ours_ : in == In::kIntent ? intended_ : wanted_;
  }

  // The first manifest that has something of that type here.
  std::optional<In> Known(EntryType type) const {
    for (const In in : {In::kLedger, In::kIntent, In::kWanted}) {
      if (Is(EntryIn(in), type)) return in;
    }
    return std::nullopt;
  }

  static std::string Target(int folder, const std::string& name) {
    char target[kMaxPath + 1];
    const ssize_t size =
        readlinkat(folder, name.c_str(), target, sizeof(target));
    return size < 0 ? "" : std::string(target, size);
  }

  absl::Status Enter(int folder, const std::string& name,
                     const std::string& path, const struct stat& info, In in) {
    // Ours always have these; the rest of the mode is restored at the end.
    if ((info.st_mode & 0700) != 0700) {
      RestoreMode(folder, name, (info.st_mode & 07777) | 0700);
    }
    Fd fd(openat(folder, name.c_str(),
                 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd.ok()) return ErrnoStatus(errno, path);
    Keep(in, EntryType::kFolder, info.st_mode, {}, path);
    return Folder(std::move(fd), path);
  }

  bool File(int folder, const std::string& name, const std::string& path,
            const struct stat& info) {
    const FileFacts facts = FactsOf(info);
    const bool untouched =
        Is(ours_, EntryType::kFile) &&
        facts == ledger_.FactsOfFile(ledger_cursor_.position(), *ours_);
    const bool same_wanted =
        Is(wanted_, EntryType::kFile) && wanted_->size == facts.size;
    if (untouched && (ledger_.since_boot || !same_wanted)) {
      Keep(In::kLedger, EntryType::kFile, info.st_mode, facts, path);
      return true;
    }
    state_.noted = false;
    if (!same_wanted) {
      if (!IsIntended(folder, name, facts)) return false;
      Keep(In::kIntent, EntryType::kFile, info.st_mode, facts, path);
      return true;
    }
    if (!HasContent(folder, name, facts, *wanted_)) return false;
    Keep(In::kWanted, EntryType::kFile, info.st_mode, facts, path);
    return true;
  }

  // The file has the content of `entry`, and stands still.
  static bool HasContent(int folder, const std::string& name,
                         const FileFacts& facts, const Entry& entry) {
    const Fd fd(openat(folder, name.c_str(),
                       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd.ok()) return false;
    const auto digest = DigestOfFile(fd.get(), entry.size);
    struct stat after;
    return digest.ok() && *digest == entry.digest &&
           fstat(fd.get(), &after) == 0 && FactsOf(after) == facts;
  }

  // It is a file of the unfinished sync. Renaming it has changed its ctime
  // since that was noted; its time may not have been set yet.
  bool IsIntended(int folder, const std::string& name,
                  const FileFacts& found) const {
    if (!Is(intended_, EntryType::kFile)) return false;
    const FileFacts noted =
        intent_.FactsOfFile(intent_cursor_.position(), *intended_);
    FileFacts facts = found;
    facts.ctime = noted.ctime;
    if (facts == noted) return true;
    facts.mtime = noted.mtime;
    return facts == noted && HasContent(folder, name, found, *intended_);
  }

  void Keep(In in, EntryType type, mode_t mode, const FileFacts& facts,
            const std::string& path) {
    Found found;
    found.in = in;
    found.position = CursorOf(in).position();
    found.mode = static_cast<uint16_t>(mode & 07777);
    found.facts = facts;
    found.theirs = !own_ && IsTheirs(type);
    // What somebody else has put there is not removed.
    if (found.theirs && !Is(wanted_, type)) {
      state_.as_wanted = false;
      if (wanted_ != nullptr) state_.foreign.push_back({path, false});
      return;
    }
    state_.as_wanted = state_.as_wanted && IsAsWanted(*EntryIn(in), found);
    state_.has_files = state_.has_files || type == EntryType::kFile;
    state_.found.push_back(found);
  }

  const PackedManifest::Cursor& CursorOf(In in) const {
    return in == In::kLedger   ? ledger_cursor_
           : in == In::kIntent ? intent_cursor_
                               : want_cursor_;
  }

  bool IsTheirs(EntryType type) const {
    const bool known = Is(ours_, type) || Is(intended_, type);
    return !known || Lists(ledger_, ledger_cursor_, ours_) ||
           Lists(intent_, intent_cursor_, intended_);
  }

  static bool Lists(const Ledger& ledger, const PackedManifest::Cursor& cursor,
                    const Entry* entry) {
    return entry != nullptr &&
           std::binary_search(ledger.theirs.begin(), ledger.theirs.end(),
                              cursor.position());
  }

  // `entry` has the content of what was found.
  bool IsAsWanted(const Entry& entry, const Found& found) const {
    if (!Is(wanted_, entry.type)) return false;
    switch (entry.type) {
      case EntryType::kFolder:
        return wanted_->mode == found.mode;
      case EntryType::kFile:
        return wanted_->mode == found.mode &&
               wanted_->mtime == found.facts.mtime &&
               wanted_->size == entry.size && wanted_->digest == entry.digest;
      case EntryType::kLink:
        return wanted_->target == entry.target;
    }
    return false;
  }

  absl::Status NotOurs(const std::string& name, const std::string& path) {
    if (name == "__pycache__") {
      state_.bytecode.push_back(path);
    } else if (IsAlwaysIgnored(name) && !MatchesGlob(kCoverageFiles, name) &&
               wanted_ == nullptr) {
      state_.kept.push_back(path);
    } else if (own_ || wanted_ != nullptr) {
      state_.foreign.push_back({path, ours_ != nullptr ||
                                          intended_ != nullptr ||
                                          ledger_.hash.empty()});
    }
    return absl::OkStatus();
  }

  const bool own_;
  const Ledger& ledger_;
  const Ledger& intent_;
  PackedManifest::Cursor ledger_cursor_;
  PackedManifest::Cursor intent_cursor_;
  PackedManifest::Cursor want_cursor_;
  // At the path that is visited, until its folder is entered.
  const Entry* ours_ = nullptr;
  const Entry* intended_ = nullptr;
  const Entry* wanted_ = nullptr;
  TreeState& state_;
};

}  // namespace

std::optional<uint32_t> TreeState::Find(absl::string_view path) const {
  FoundEntries entries(*this);
  uint32_t low = 0;
  uint32_t high = static_cast<uint32_t>(found.size());
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (ComparePaths(entries.At(middle).path, path) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == found.size() || entries.At(low).path != path) return std::nullopt;
  return low;
}

FoundEntries::FoundEntries(const TreeState& state)
    : state_(state),
      cursors_{PackedManifest::Cursor(*state.manifests[0]),
               PackedManifest::Cursor(*state.manifests[1]),
               PackedManifest::Cursor(*state.manifests[2])} {}

const Entry& FoundEntries::At(uint32_t i) {
  const Found& found = state_.found[i];
  PackedManifest::Cursor& cursor = cursors_[static_cast<size_t>(found.in)];
  cursor.Seek(found.position);
  entry_ = cursor.entry();
  if (entry_.type != EntryType::kLink) entry_.mode = found.mode;
  if (entry_.type == EntryType::kFile) entry_.mtime = found.facts.mtime;
  return entry_;
}

absl::StatusOr<TreeState> CheckTree(
    int tree, bool own, const Ledger& ledger, const Ledger& intent,
    std::shared_ptr<const PackedManifest> want) {
  TreeState state;
  state.as_wanted = true;
  DIST_ASSIGN_OR_RETURN(Fd folder, OpenFolderBeneath(tree, ""));
  DIST_RETURN_IF_ERROR(Checker(own, ledger, intent, *want, &state)
                           .Folder(std::move(folder), ""));
  state.as_wanted = state.as_wanted && state.found.size() == want->size();
  state.manifests = {ledger.manifest, intent.manifest, std::move(want)};
  return state;
}

}  // namespace dist
