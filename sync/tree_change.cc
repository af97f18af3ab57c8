// The second half of a TreeBuilder: the tree is changed, when all is there.
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"
#include "core/manifest/path_rules.h"
#include "sync/tree_builder.h"

namespace dist {

absl::Status TreeBuilder::Commit() {
  DIST_RETURN_IF_ERROR(CopyTwins());
  changed_ = diff_.remove.size() + diff_.make_folders.size() +
             diff_.make_files.size() + diff_.make_links.size() +
             diff_.touch.size();
  const bool used = slot_.own() && !slot_.fresh();
  absl::Status changed = used ? SwapIn() : ChangeInPlace();
  if (used && absl::IsUnimplemented(changed)) {
    changed = ChangeInPlaceAfterAll();
  }
  DIST_RETURN_IF_ERROR(changed);
  DIST_RETURN_IF_ERROR(Touch());
  if (slot_.fresh()) DIST_RETURN_IF_ERROR(slot_.Publish());
  DropBytecode();
  // Their memory is needed for the ledger.
  state_ = TreeState();
  diff_ = TreeDiff();
  DIST_RETURN_IF_ERROR(SaveLedger(slot_.ledger()));
  unlinkat(slot_.home(), (slot_.ledger() + kIntent).c_str(), 0);
  committed_ = true;
  return slot_.RemoveStage();
}

absl::Status TreeBuilder::ChangeInPlace() {
  // Should we be killed in the middle, the next one must know what is ours. In
  // a tree of our own all is.
  if (!slot_.own()) DIST_RETURN_IF_ERROR(SaveIntent());
  if (!direct_) {
    DIST_RETURN_IF_ERROR(Remove());
    DIST_RETURN_IF_ERROR(MakeFolders());
    DIST_RETURN_IF_ERROR(PlaceFiles());
  }
  return PlaceLinks();
}

absl::Status TreeBuilder::Remove() {
  walk_.Forget();
  if (slot_.own()) {
    for (const auto& [path, spoilt] : state_.foreign) {
      DIST_ASSIGN_OR_RETURN(const int folder, walk_.At(ParentPath(path)));
      DIST_RETURN_IF_ERROR(RemoveAll(folder, std::string(BaseName(path))));
    }
  }
  FoundEntries found(state_);
  for (const uint32_t i : diff_.remove) {
    DIST_RETURN_IF_ERROR(RemoveOurs(found.At(i)));
  }
  walk_.Forget();
  return absl::OkStatus();
}

absl::Status TreeBuilder::RemoveOurs(const Entry& entry) {
  const auto folder = walk_.At(ParentPath(entry.path));
  // A tree that lost a folder meanwhile needs no removing there.
  if (!folder.ok()) return absl::OkStatus();
  const std::string name(BaseName(entry.path));
  if (entry.type == EntryType::kFile) {
    store_.MoveIn(*folder, name, entry.digest);
  } else if (entry.type == EntryType::kLink || slot_.own()) {
    return RemoveAll(*folder, name);
  } else if (unlinkat(*folder, name.c_str(), AT_REMOVEDIR) != 0 &&
             errno != ENOTEMPTY && errno != EEXIST && errno != ENOENT) {
    return ErrnoStatus(errno, entry.path);
  }
  return absl::OkStatus();
}

absl::Status TreeBuilder::MakeFolders() {
  for (const uint32_t i : diff_.make_folders) {
    const Entry& entry = EntryAt(i);
    DIST_ASSIGN_OR_RETURN(const int folder, walk_.At(ParentPath(entry.path)));
    const std::string name(BaseName(entry.path));
    if (mkdirat(folder, name.c_str(), 0700) != 0 && errno != EEXIST) {
      return ErrnoStatus(errno, entry.path);
    }
    DIST_ASSIGN_OR_RETURN(const int made, walk_.At(entry.path));
    // The umask is not the manifest's.
    if (fchmod(made, entry.mode) != 0) return ErrnoStatus(errno, entry.path);
  }
  return absl::OkStatus();
}

absl::Status TreeBuilder::PlaceFiles() {
  FolderWalk stage(slot_.stage());
  FoundEntries found(state_);
  for (const uint32_t i : diff_.make_files) {
    const Entry& entry = EntryAt(i);
    const std::string made = MadeName(i);
    DIST_ASSIGN_OR_RETURN(const int from, stage.At(ParentPath(made)));
    DIST_ASSIGN_OR_RETURN(const int folder, walk_.At(ParentPath(entry.path)));
    const std::string name(BaseName(entry.path));
    if (diff_.had[i] != TreeDiff::kNone) {
      // Its name is empty for a moment only, and nobody uses the tree.
      store_.MoveIn(folder, name, found.At(diff_.had[i]).digest);
    }
    if (renameat(from, std::string(BaseName(made)).c_str(), folder,
                 name.c_str()) != 0) {
      return ErrnoStatus(errno, entry.path);
    }
    where_[i] = Where::kPlaced;
    struct stat info;
    if (fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      return ErrnoStatus(errno, entry.path);
    }
    // Renaming changes a file's ctime; anything else would be another's doing.
    const FileFacts facts = FactsOf(info);
    facts_[i].ctime = facts.ctime;
    if (facts != facts_[i]) {
      return absl::FailedPreconditionError(absl::StrCat(
          Printable(entry.path), " was changed by another program"));
    }
  }
  return absl::OkStatus();
}

absl::Status TreeBuilder::PlaceLinks() {
  for (const uint32_t i : diff_.make_links) {
    const Entry& entry = EntryAt(i);
    DIST_ASSIGN_OR_RETURN(const int folder, walk_.At(ParentPath(entry.path)));
    if (symlinkat(entry.target.c_str(), slot_.stage(), "link") != 0 ||
        renameat(slot_.stage(), "link", folder,
                 std::string(BaseName(entry.path)).c_str()) != 0) {
      return ErrnoStatus(errno, entry.path);
    }
  }
  return absl::OkStatus();
}

absl::Status TreeBuilder::Touch() {
  for (const uint32_t i : diff_.touch) {
    const Entry& entry = EntryAt(i);
    // A copy has its mode and time from the beginning.
    if (entry.type == EntryType::kLink || IsMade(i)) continue;
    DIST_ASSIGN_OR_RETURN(const Fd fd, OpenBeneath(slot_.tree(), entry.path,
                                                   O_RDONLY | O_NONBLOCK));
    if (entry.type == EntryType::kFolder) {
      if (fchmod(fd.get(), entry.mode) != 0) {
        return ErrnoStatus(errno, entry.path);
      }
      continue;
    }
    DIST_RETURN_IF_ERROR(SetModeAndTime(fd.get(), entry));
    struct stat info;
    if (fstat(fd.get(), &info) != 0) return ErrnoStatus(errno, entry.path);
    facts_[i] = FactsOf(info);
  }
  return absl::OkStatus();
}

// Python would import a module whose source is gone from its cache only if it
// were beside it, but tools that list a package see it there, too.
void TreeBuilder::DropBytecode() {
  if (!slot_.own()) return;
  for (const std::string& path : state_.bytecode) {
    const std::string folder(ParentPath(path));
    const auto cache = OpenFolderBeneath(slot_.tree(), path);
    if (!cache.ok()) continue;
    for (const std::string& name : NamesIn(cache->get())) {
      const std::string source =
          absl::StrCat(folder, folder.empty() ? "" : "/",
                       name.substr(0, name.find('.')), ".py");
      if (!want_.Find(source)) {
        RemoveAll(cache->get(), name).IgnoreError();
      }
    }
  }
}

absl::Status TreeBuilder::SaveLedger(const std::string& name) const {
  LedgerStamps stamps;
  stamps.Reserve(want_.size());
  uint32_t i = 0;
  for (const Entry& entry : want_) {
    if (entry.type == EntryType::kFile) stamps.AddFile(facts_[i]);
    if (theirs_[i]) stamps.theirs.push_back(i);
    ++i;
  }
  return WriteLedger(slot_.home(), name, want_.bytes(), stamps);
}

// All that is ours before the change or after it.
absl::Status TreeBuilder::SaveIntent() const {
  ManifestEncoder manifest(want_.bytes().size());
  LedgerStamps stamps;
  stamps.Reserve(want_.size());
  uint32_t count = 0;
  const auto put = [&](const Entry& entry, const FileFacts& facts,
                       bool theirs) {
    manifest.Add(entry);
    if (entry.type == EntryType::kFile) stamps.AddFile(facts);
    if (theirs) stamps.theirs.push_back(count);
    ++count;
  };
  PackedManifest::Cursor wanted(want_);
  // The folders that the next entry may be in.
  std::vector<std::string> open;
  const auto add = [&](const Entry& entry, const FileFacts& facts,
                       bool theirs) {
    while (!open.empty() && !IsPathUnder(entry.path, open.back())) {
      open.pop_back();
    }
    // Somebody else's, or it would have been found.
    size_t end = open.empty() ? 0 : open.back().size() + 1;
    while ((end = entry.path.find('/', end)) != std::string::npos) {
      Entry folder;
      folder.path = entry.path.substr(0, end++);
      folder.type = EntryType::kFolder;
      folder.mode = 0755;
      put(folder, {}, /*theirs=*/true);
      open.push_back(folder.path);
    }
    put(entry, facts, theirs);
    if (entry.type == EntryType::kFolder) open.push_back(entry.path);
  };
  const auto add_wanted_before = [&](absl::string_view path) {
    for (; !wanted.at_end(); wanted.Next()) {
      const uint32_t i = wanted.position();
      if (!path.empty() && ComparePaths(wanted.entry().path, path) >= 0) break;
      add(wanted.entry(), facts_[i], theirs_[i]);
    }
  };
  FoundEntries found(state_);
  for (uint32_t i = 0; i < state_.found.size(); ++i) {
    Entry entry = found.At(i);
    add_wanted_before(entry.path);
    if (!wanted.at_end() && wanted.entry().path == entry.path) continue;
    // What is wanted in the place of its folder is about to be.
    absl::string_view folder = ParentPath(entry.path);
    bool fits = true;
    for (; fits && !folder.empty(); folder = ParentPath(folder)) {
      const std::optional<uint32_t> in = want_.Find(folder);
      fits = !in || want_.At(*in).type == EntryType::kFolder;
    }
    if (!fits) continue;
    entry.mode &= kModeMask;
    add(entry, state_.found[i].facts, state_.found[i].theirs);
  }
  add_wanted_before("");
  return WriteLedger(slot_.home(), slot_.ledger() + kIntent, manifest.Finish(),
                     stamps);
}

}  // namespace dist
