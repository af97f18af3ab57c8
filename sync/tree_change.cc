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
  state_.intact = Manifest();  // Its memory is needed for the ledger.
  DIST_RETURN_IF_ERROR(SaveLedger(slot_.ledger(), want_));
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
    for (const std::string& path : state_.foreign) {
      DIST_ASSIGN_OR_RETURN(const int folder, walk_.At(ParentPath(path)));
      DIST_RETURN_IF_ERROR(RemoveAll(folder, std::string(BaseName(path))));
    }
  }
  for (const std::string& path : diff_.remove) {
    DIST_RETURN_IF_ERROR(RemoveOurs(path));
  }
  walk_.Forget();
  return absl::OkStatus();
}

absl::Status TreeBuilder::RemoveOurs(const std::string& path) {
  const Entry* const entry = state_.intact.Find(path);
  const auto folder = walk_.At(ParentPath(path));
  // A tree that lost a folder meanwhile needs no removing there.
  if (!folder.ok()) return absl::OkStatus();
  const std::string name(BaseName(path));
  if (entry->type == EntryType::kFile) {
    store_.MoveIn(*folder, name, entry->digest);
  } else if (entry->type == EntryType::kLink || slot_.own()) {
    return RemoveAll(*folder, name);
  } else if (unlinkat(*folder, name.c_str(), AT_REMOVEDIR) != 0 &&
             errno != ENOTEMPTY && errno != EEXIST && errno != ENOENT) {
    return ErrnoStatus(errno, path);
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
  for (const uint32_t i : diff_.make_files) {
    const Entry& entry = EntryAt(i);
    Made& made = made_.at(i);
    DIST_ASSIGN_OR_RETURN(const int from, stage.At(ParentPath(made.name)));
    DIST_ASSIGN_OR_RETURN(const int folder, walk_.At(ParentPath(entry.path)));
    const std::string name(BaseName(entry.path));
    const Entry* const old = state_.intact.Find(entry.path);
    if (old != nullptr && old->type == EntryType::kFile) {
      // Its name is empty for a moment only, and nobody uses the tree.
      store_.MoveIn(folder, name, old->digest);
    }
    if (renameat(from, std::string(BaseName(made.name)).c_str(), folder,
                 name.c_str()) != 0) {
      return ErrnoStatus(errno, entry.path);
    }
    made.name.clear();
    struct stat info;
    if (fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      return ErrnoStatus(errno, entry.path);
    }
    // Renaming changes a file's ctime; anything else would be another's doing.
    FileFacts facts = FactsOf(info);
    made.facts.ctime = facts.ctime;
    if (facts != made.facts) {
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
    if (entry.type == EntryType::kLink || made_.contains(i)) continue;
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
    state_.facts[entry.path] = FactsOf(info);
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
      if (want_.Find(source) == nullptr) {
        RemoveAll(cache->get(), name).IgnoreError();
      }
    }
  }
}

// All that is ours before the change or after it.
absl::Status TreeBuilder::SaveIntent() {
  Manifest both = want_;
  for (const Entry& entry : state_.intact.entries) {
    bool fits = want_.Find(entry.path) == nullptr;
    absl::string_view folder = ParentPath(entry.path);
    for (; fits && !folder.empty(); folder = ParentPath(folder)) {
      const Entry* const in = want_.Find(folder);
      fits = in == nullptr || in->type == EntryType::kFolder;
    }
    if (!fits) continue;
    both.entries.push_back(entry);
    both.entries.back().mode &= kModeMask;
  }
  Complete(&both);
  return SaveLedger(slot_.ledger() + kIntent, both);
}

absl::Status TreeBuilder::SaveLedger(const std::string& name,
                                     const Manifest& manifest) {
  std::vector<FileFacts> facts(manifest.entries.size());
  for (size_t i = 0; i < manifest.entries.size(); ++i) {
    const std::string& path = manifest.entries[i].path;
    if (manifest.entries[i].type != EntryType::kFile) continue;
    const Entry* const wanted = want_.Find(path);
    const auto made =
        wanted == nullptr
            ? made_.end()
            : made_.find(static_cast<uint32_t>(wanted - want_.entries.data()));
    facts[i] = made != made_.end() ? made->second.facts : state_.facts[path];
  }
  return WriteLedger(slot_.home(), name, manifest, facts, state_.theirs);
}

}  // namespace dist
