#include "sync/tree_builder.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"
#include "core/manifest/path_rules.h"
#include "sync/case_check.h"

namespace dist {
namespace {

// In a chdir= folder: what somebody else has put there is not removed.
TreeState WithoutTheirs(TreeState state, const Manifest& want) {
  const auto leaves = [&](const Entry& entry) {
    const Entry* const wanted = want.Find(entry.path);
    if (!state.theirs.contains(entry.path) ||
        (wanted != nullptr && wanted->type == entry.type)) {
      return false;
    }
    state.foreign.push_back(entry.path);
    return true;
  };
  std::vector<Entry>& entries = state.intact.entries;
  entries.erase(std::remove_if(entries.begin(), entries.end(), leaves),
                entries.end());
  return state;
}

}  // namespace

TreeBuilder::TreeBuilder(TreeSlot* slot, Store* store, TreeState state,
                         const Manifest* want, std::string cache_home)
    : slot_(*slot),
      store_(*store),
      state_(slot->own() ? std::move(state)
                         : WithoutTheirs(std::move(state), *want)),
      want_(*want),
      cache_home_(std::move(cache_home)),
      diff_(Diff(state_.intact, want_)),
      direct_(slot->fresh() && state_.facts.empty()),
      walk_(slot->tree()) {
  if (slot_.own()) state_.theirs.clear();
  for (const auto* made : {&diff_.make_files, &diff_.make_links}) {
    for (const uint32_t i : *made) state_.theirs.erase(EntryAt(i).path);
  }
}

TreeBuilder::~TreeBuilder() {
  if (!committed_) Abandon();
}

// What is complete helps the next sync; the rest goes.
void TreeBuilder::Abandon() {
  writing_.reset();
  FolderWalk stage(slot_.stage());
  for (const auto& [i, made] : made_) {
    if (!keep_ || made.name.empty() || slot_.stage() < 0) continue;
    const auto folder = stage.At(ParentPath(made.name));
    if (!folder.ok()) continue;
    store_.MoveIn(*folder, std::string(BaseName(made.name)), EntryAt(i).digest);
  }
  if (slot_.stage() >= 0) slot_.RemoveStage().IgnoreError();
  if (direct_ && !keep_) {
    for (const std::string& name : NamesIn(slot_.tree())) {
      RemoveAll(slot_.tree(), name).IgnoreError();
    }
  } else if (direct_ && next_wanted_ < order_.size()) {
    const Entry& entry = EntryAt(order_[next_wanted_]);
    const auto folder = walk_.At(ParentPath(entry.path));
    if (folder.ok()) {
      unlinkat(*folder, std::string(BaseName(entry.path)).c_str(), 0);
    }
  }
}

// What is not ours in a chdir= folder is not ours to remove: say so now, not
// when half of the files are in place. Plain files and links are replaced, as
// rsync does.
absl::Status TreeBuilder::CheckObstacles() const {
  if (slot_.own()) return absl::OkStatus();
  for (const std::string& path : state_.foreign) {
    const Entry* const entry = want_.Find(path);
    if (entry == nullptr) continue;
    const auto folder = OpenFolderBeneath(slot_.tree(), ParentPath(path));
    struct stat info;
    if (!folder.ok() ||
        fstatat(folder->get(), std::string(BaseName(path)).c_str(), &info,
                AT_SYMLINK_NOFOLLOW) != 0) {
      continue;
    }
    const bool is_folder = S_ISDIR(info.st_mode);
    if (is_folder || entry->type == EntryType::kFolder) {
      return absl::FailedPreconditionError(absl::StrCat(
          Printable(absl::StrCat(slot_.path(), "/", path)), " is ",
          is_folder ? "a folder" : "no folder",
          ", and dist did not put it there\nhelp: remove it, or use another "
          "chdir="));
    }
  }
  return absl::OkStatus();
}

absl::Status TreeBuilder::Prepare() {
  DIST_RETURN_IF_ERROR(CheckObstacles());
  DIST_RETURN_IF_ERROR(slot_.OpenStage());
  DIST_RETURN_IF_ERROR(SalvageStage());
  DIST_RETURN_IF_ERROR(CheckNamesApart(slot_.stage(), want_, slot_.path()));
  if (direct_) {
    DIST_RETURN_IF_ERROR(Remove());
    DIST_RETURN_IF_ERROR(MakeFolders());
  }
  LocalContents local(&store_, slot_.tree());
  local.AddTree(state_.intact);
  DIST_RETURN_IF_ERROR(TakeLocal(&local));
  order_ = wanted_;
  return SkipEmpty();
}

// What a killed run had received need not come again.
absl::Status TreeBuilder::SalvageStage() {
  const std::vector<std::string> names = NamesIn(slot_.stage());
  if (names.empty()) return absl::OkStatus();
  for (const std::string& name : names) {
    const auto fd = OpenBeneath(slot_.stage(), name, O_RDONLY | O_NONBLOCK);
    struct stat info;
    if (!fd.ok() || fstat(fd->get(), &info) != 0 || !S_ISREG(info.st_mode)) {
      continue;
    }
    const auto digest =
        DigestOfFile(fd->get(), static_cast<uint64_t>(info.st_size));
    if (digest.ok() && absl::StartsWith(name, digest->Hex())) {
      store_.MoveIn(slot_.stage(), name, *digest);
    }
  }
  DIST_RETURN_IF_ERROR(slot_.RemoveStage());
  return slot_.OpenStage();
}

std::string TreeBuilder::StageName(uint32_t i) const {
  return absl::StrCat(EntryAt(i).digest.Hex(), "-", i);
}

absl::StatusOr<std::pair<int, std::string>> TreeBuilder::PlaceFor(uint32_t i) {
  if (!direct_) return std::make_pair(slot_.stage(), StageName(i));
  const std::string& path = EntryAt(i).path;
  DIST_ASSIGN_OR_RETURN(const int folder, walk_.At(ParentPath(path)));
  return std::make_pair(folder, std::string(BaseName(path)));
}

absl::Status TreeBuilder::TakeLocal(LocalContents* local) {
  bool looked_elsewhere = false;
  for (const uint32_t i : diff_.make_files) {
    const Entry& entry = EntryAt(i);
    if (!first_.try_emplace(entry.digest, i).second) {
      twins_.push_back(i);
      continue;
    }
    auto content = local->Open(entry.digest);
    if (!content.ok() && entry.size > 0 && !looked_elsewhere) {
      looked_elsewhere = true;
      // It takes a while, and helps most where nothing is there yet.
      if (state_.facts.empty()) {
        local->AddOtherTrees(cache_home_,
                             BaseName(ParentPath(slot_.home_path())),
                             slot_.home_path());
        content = local->Open(entry.digest);
      }
    }
    if (content.ok()) {
      DIST_ASSIGN_OR_RETURN(const auto place, PlaceFor(i));
      const auto copied =
          CopyContent(content->get(), place.first, place.second, entry);
      if (copied.ok()) {
        made_[i] = {direct_ ? "" : place.second, *copied};
        continue;
      }
      if (absl::IsResourceExhausted(copied.status())) return copied.status();
    }
    wanted_.push_back(i);
  }
  return absl::OkStatus();
}

// An empty content never comes: nothing would say where it begins.
absl::Status TreeBuilder::SkipEmpty() {
  while (!writing_ && !complete() && EntryAt(order_[next_wanted_]).size == 0) {
    DIST_ASSIGN_OR_RETURN(const auto place, PlaceFor(order_[next_wanted_]));
    DIST_ASSIGN_OR_RETURN(writing_,
                          ContentFile::Create(place.first, place.second));
    DIST_RETURN_IF_ERROR(Finish());
  }
  return absl::OkStatus();
}

absl::Status TreeBuilder::Finish() {
  const uint32_t i = order_[next_wanted_];
  const auto facts = writing_->Finish(EntryAt(i));
  writing_.reset();
  if (!facts.ok()) {
    const bool may_be = signed_.contains(i) || leaves_out_;
    if (may_be && absl::IsDataLoss(facts.status())) return DropWritten();
    return facts.status();
  }
  made_[i] = {direct_ ? "" : StageName(i), *facts};
  ++next_wanted_;
  return absl::OkStatus();
}

absl::Status TreeBuilder::Write(absl::string_view bytes) {
  while (!bytes.empty()) {
    if (complete()) {
      return absl::DataLossError("more contents than were asked for");
    }
    const uint32_t i = order_[next_wanted_];
    if (!writing_) {
      DIST_ASSIGN_OR_RETURN(const auto place, PlaceFor(i));
      DIST_ASSIGN_OR_RETURN(writing_,
                            ContentFile::Create(place.first, place.second));
    }
    const uint64_t left = EntryAt(i).size - writing_->size();
    const absl::string_view mine = bytes.substr(0, left);
    DIST_RETURN_IF_ERROR(writing_->Write(mine));
    bytes.remove_prefix(mine.size());
    if (mine.size() < left) return absl::OkStatus();
    DIST_RETURN_IF_ERROR(Finish());
    DIST_RETURN_IF_ERROR(SkipEmpty());
  }
  return absl::OkStatus();
}

// Files with a content that another one has, too.
absl::Status TreeBuilder::CopyTwins() {
  for (const uint32_t i : twins_) {
    const uint32_t twin = first_.at(EntryAt(i).digest);
    Fd from;
    if (direct_) {
      DIST_ASSIGN_OR_RETURN(
          from, OpenBeneath(slot_.tree(), EntryAt(twin).path, O_RDONLY));
    } else {
      DIST_ASSIGN_OR_RETURN(
          from, OpenBeneath(slot_.stage(), StageName(twin), O_RDONLY));
    }
    DIST_ASSIGN_OR_RETURN(const auto place, PlaceFor(i));
    DIST_ASSIGN_OR_RETURN(
        const FileFacts facts,
        CopyContent(from.get(), place.first, place.second, EntryAt(i)));
    made_[i] = {direct_ ? "" : place.second, facts};
  }
  twins_.clear();
  return absl::OkStatus();
}

}  // namespace dist
