// The second half of a TreeBuilder, in a tree of our own: all that changes is
// made beside the tree, and comes to its place by one rename.
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"
#include "core/manifest/path_rules.h"
#include "sync/swap.h"
#include "sync/tree_builder.h"

namespace dist {
namespace {

// The path of what all paths that it is told are in.
class Common {
 public:
  void Add(absl::string_view path) {
    if (count_++ == 0) path_ = std::string(path);
    while (!IsPathUnder(path, path_)) path_ = std::string(ParentPath(path_));
  }
  size_t count() const { return count_; }
  const std::string& path() const { return path_; }

 private:
  size_t count_ = 0;
  std::string path_;
};

}  // namespace

// A time that is set, or one mode, is not worth a new inode: contents and names
// are those of the old tree and of the new one.
std::optional<std::string> TreeBuilder::PlaceOfChange() const {
  Common common;
  size_t modes = 0;
  FoundEntries found(state_);
  for (const uint32_t i : diff_.remove) common.Add(found.At(i).path);
  for (const auto& [path, spoilt] : state_.foreign) {
    if (spoilt) common.Add(path);
  }
  for (const auto* made :
       {&diff_.make_folders, &diff_.make_files, &diff_.make_links}) {
    for (const uint32_t i : *made) common.Add(EntryAt(i).path);
  }
  for (const uint32_t i : diff_.touch) {
    const Entry& entry = EntryAt(i);
    if (FoundAt(i)->mode == entry.mode) continue;
    common.Add(entry.path);
    ++modes;
  }
  if (common.count() == 0 || (common.count() == 1 && modes == 1)) return {};
  return common.path();
}

absl::Status TreeBuilder::SwapIn() {
  DIST_RETURN_IF_ERROR(RemoveLeftovers());
  const std::optional<std::string> place = PlaceOfChange();
  if (!place) return absl::OkStatus();
  std::string made;
  DIST_RETURN_IF_ERROR(MakeAside(*place, &made));
  int folder = slot_.home();
  std::string name = "tree";
  if (!place->empty()) {
    DIST_ASSIGN_OR_RETURN(folder, walk_.At(ParentPath(*place)));
    name = std::string(BaseName(*place));
  }
  DIST_ASSIGN_OR_RETURN(const std::string old,
                        Swap(slot_.stage(), made, folder, name));
  for (Where& where : where_) {
    if (where != Where::kFound) where = Where::kPlaced;
  }
  walk_.Forget();
  if (place->empty()) DIST_RETURN_IF_ERROR(slot_.ReopenTree());
  if (!old.empty()) DIST_RETURN_IF_ERROR(ClearOut(*place, old));
  return LookAgain(*place);
}

// Where not even that one rename is possible.
absl::Status TreeBuilder::ChangeInPlaceAfterAll() {
  for (const uint32_t i : diff_.touch) {
    where_[i] = Where::kFound;
    facts_[i] = FoundAt(i)->facts;
  }
  DIST_RETURN_IF_ERROR(ChangeInPlace());
  DIST_RETURN_IF_ERROR(RemoveAll(slot_.stage(), kNew));
  return LookAgain("");
}

// What tests have left behind was never synced: no part of the old tree.
absl::Status TreeBuilder::RemoveLeftovers() {
  for (const auto& [path, spoilt] : state_.foreign) {
    if (spoilt) continue;
    DIST_ASSIGN_OR_RETURN(const int folder, walk_.At(ParentPath(path)));
    DIST_RETURN_IF_ERROR(RemoveAll(folder, std::string(BaseName(path))));
  }
  return absl::OkStatus();
}

// What shall be at `place`, in the stage; `made` is its name there, "" if
// nothing shall be there.
absl::Status TreeBuilder::MakeAside(const std::string& place,
                                    std::string* made) {
  std::optional<uint32_t> wanted;
  EntryType type = EntryType::kFolder;
  if (!place.empty()) {
    wanted = want_.Find(place);
    if (!wanted) return absl::OkStatus();
    type = EntryAt(*wanted).type;
  }
  const std::optional<uint32_t> had = state_.Find(place);
  // Only files and links change places at once everywhere.
  if (!had || type == EntryType::kFolder ||
      FoundEntries(state_).At(*had).type == EntryType::kFolder) {
    DIST_RETURN_IF_ERROR(NoteSwap(slot_.stage(), place));
  }
  *made = kNew;
  if (type == EntryType::kFolder) {
    // Should we be killed, the next one shall not have to read all of it: links
    // change a file's ctime.
    DIST_RETURN_IF_ERROR(SaveLedger(slot_.ledger() + kIntent));
    return MakeFolderAside(place);
  }
  if (type == EntryType::kLink) {
    return symlinkat(EntryAt(*wanted).target.c_str(), slot_.stage(), kNew) == 0
               ? absl::OkStatus()
               : ErrnoStatus(errno, place);
  }
  *made = MadeName(*wanted);
  return absl::OkStatus();
}

// The position of `place` in the wanted manifest; its end, if it is not there.
uint32_t TreeBuilder::FirstUnder(const std::string& place) const {
  if (place.empty()) return 0;
  return want_.Find(place).value_or(want_.size());
}

absl::Status TreeBuilder::MakeFolderAside(const std::string& place) {
  if (mkdirat(slot_.stage(), kNew, 0700) != 0) return ErrnoStatus(errno, kNew);
  DIST_ASSIGN_OR_RETURN(const Fd root, OpenFolderBeneath(slot_.stage(), kNew));
  FolderWalk walk(root.get());
  aside_ = place;
  PackedManifest::Cursor cursor(want_, FirstUnder(place));
  for (; !cursor.at_end() && IsPathUnder(cursor.entry().path, place);
       cursor.Next()) {
    const Entry& entry = cursor.entry();
    const bool top = entry.path == place;
    const absl::string_view path = top ? "" : PathBelow(entry.path, place);
    DIST_ASSIGN_OR_RETURN(const int folder, walk.At(ParentPath(path)));
    const std::string name(BaseName(path));
    switch (entry.type) {
      case EntryType::kFile:
        DIST_RETURN_IF_ERROR(PutFile(cursor.position(), folder, name));
        break;
      case EntryType::kLink:
        if (symlinkat(entry.target.c_str(), folder, name.c_str()) != 0) {
          return ErrnoStatus(errno, entry.path);
        }
        break;
      case EntryType::kFolder: {
        if (!top && mkdirat(folder, name.c_str(), 0700) != 0) {
          return ErrnoStatus(errno, entry.path);
        }
        DIST_ASSIGN_OR_RETURN(const int self, walk.At(path));
        if (fchmod(self, entry.mode) != 0) {
          return ErrnoStatus(errno, entry.path);
        }
        break;
      }
    }
  }
  return absl::OkStatus();
}

// A file that stays is in both folders until the old one goes.
absl::Status TreeBuilder::PutFile(uint32_t i, int folder,
                                  const std::string& name) {
  const Entry& entry = EntryAt(i);
  if (IsMade(i)) {
    if (renameat(slot_.stage(), MadeName(i).c_str(), folder, name.c_str()) !=
        0) {
      return ErrnoStatus(errno, entry.path);
    }
    where_[i] = Where::kAside;
    return absl::OkStatus();
  }
  if (FoundAt(i)->mode == entry.mode) {
    DIST_ASSIGN_OR_RETURN(const int from, walk_.At(ParentPath(entry.path)));
    const std::string from_name(BaseName(entry.path));
    if (linkat(from, from_name.c_str(), folder, name.c_str(), 0) == 0) {
      return absl::OkStatus();
    }
  }
  // Another mode, or a file system that has no hard links, or no more of them.
  DIST_ASSIGN_OR_RETURN(const Fd from, OpenBeneath(slot_.tree(), entry.path,
                                                   O_RDONLY | O_NONBLOCK));
  DIST_ASSIGN_OR_RETURN(facts_[i],
                        CopyContent(from.get(), folder, name, entry));
  where_[i] = Where::kAside;
  return absl::OkStatus();
}

// Takes what is worth keeping from `old`, which was at `place`; removes it.
absl::Status TreeBuilder::ClearOut(const std::string& place,
                                   const std::string& old) {
  FoundEntries found(state_);
  if (const std::optional<uint32_t> had = state_.Find(place)) {
    const Entry& entry = found.At(*had);
    if (entry.type == EntryType::kFile) {
      store_.MoveIn(slot_.stage(), old, entry.digest);
      return absl::OkStatus();
    }
  }
  const auto root = OpenFolderBeneath(slot_.stage(), old);
  if (root.ok()) {
    FolderWalk walk(root->get());
    MoveKept(place, &walk);
    const auto give_up = [&](uint32_t i) {
      const Entry& entry = found.At(i);
      if (!IsPathUnder(entry.path, place) || entry.type != EntryType::kFile) {
        return;
      }
      const absl::string_view below = PathBelow(entry.path, place);
      const auto folder = walk.At(ParentPath(below));
      if (!folder.ok()) return;
      store_.MoveIn(*folder, std::string(BaseName(below)), entry.digest);
    };
    for (const uint32_t i : diff_.remove) give_up(i);
    for (const uint32_t i : diff_.make_files) {
      if (diff_.had[i] != TreeDiff::kNone) give_up(diff_.had[i]);
    }
  }
  return RemoveAll(slot_.stage(), old);
}

// A folder that is gone takes what was kept in it along.
void TreeBuilder::MoveKept(const std::string& place, FolderWalk* old) {
  for (const auto* kept : {&state_.kept, &state_.bytecode}) {
    for (const std::string& path : *kept) {
      if (!IsPathUnder(path, place)) continue;
      const auto to = walk_.At(ParentPath(path));
      const auto from = old->At(ParentPath(PathBelow(path, place)));
      const std::string name(BaseName(path));
      if (!to.ok() || !from.ok()) continue;
      (void)!renameat(*from, name.c_str(), *to, name.c_str());
    }
  }
}

// Links that came and went have changed the ctime of what stayed. Anything else
// would be another's doing.
absl::Status TreeBuilder::LookAgain(const std::string& place) {
  PackedManifest::Cursor cursor(want_, FirstUnder(place));
  for (; !cursor.at_end() && IsPathUnder(cursor.entry().path, place);
       cursor.Next()) {
    const Entry& entry = cursor.entry();
    if (entry.type != EntryType::kFile) continue;
    DIST_ASSIGN_OR_RETURN(const int folder, walk_.At(ParentPath(entry.path)));
    struct stat info;
    if (fstatat(folder, std::string(BaseName(entry.path)).c_str(), &info,
                AT_SYMLINK_NOFOLLOW) != 0) {
      return ErrnoStatus(errno, entry.path);
    }
    FileFacts& known = facts_[cursor.position()];
    const FileFacts facts = FactsOf(info);
    known.ctime = facts.ctime;
    if (facts != known) {
      return absl::FailedPreconditionError(absl::StrCat(
          Printable(entry.path), " was changed by another program"));
    }
  }
  return absl::OkStatus();
}

}  // namespace dist
