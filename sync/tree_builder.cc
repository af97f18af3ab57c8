#include "sync/tree_builder.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"
#include "core/manifest/path_rules.h"
#include "sync/case_check.h"
#include "sync/other_trees.h"
#include "sync/swap.h"

namespace dist {
namespace {

// Equal for equal contents, and hardly ever for others.
uint64_t KeyOf(const Digest& digest) {
  uint64_t key = 0;
  memcpy(&key, digest.bytes.data(), sizeof(key));
  return key;
}

}  // namespace

TreeBuilder::TreeBuilder(TreeSlot* slot, Store* store, TreeState state,
                         std::string cache_home)
    : slot_(*slot),
      store_(*store),
      state_(std::move(state)),
      wanted_manifest_(
          state_.manifests[static_cast<size_t>(Found::In::kWanted)]),
      want_(*wanted_manifest_),
      want_cursor_(want_),
      cache_home_(std::move(cache_home)),
      direct_(slot->fresh() && !state_.has_files),
      walk_(slot->tree()),
      where_(want_.size(), Where::kFound),
      facts_(want_.size()),
      theirs_(want_.size()) {
  FoundEntries found(state_);
  diff_ = Diff(
      static_cast<uint32_t>(state_.found.size()),
      [&](uint32_t i) -> const Entry& { return found.At(i); }, want_);
  for (uint32_t i = 0; i < want_.size(); ++i) {
    const Found* const had = FoundAt(i);
    if (had == nullptr) continue;
    facts_[i] = had->facts;
    theirs_[i] = had->theirs;
  }
  // What is replaced is ours from now on.
  for (const auto* made : {&diff_.make_files, &diff_.make_links}) {
    for (const uint32_t i : *made) theirs_[i] = false;
  }
}

Entry TreeBuilder::EntryAt(uint32_t i) const {
  want_cursor_.Seek(i);
  return want_cursor_.entry();
}

const Found* TreeBuilder::FoundAt(uint32_t i) const {
  const uint32_t had = diff_.had[i];
  return had == TreeDiff::kNone ? nullptr : &state_.found[had];
}

TreeBuilder::~TreeBuilder() {
  if (!committed_) Abandon();
}

// What is complete helps the next sync; the rest goes.
void TreeBuilder::Abandon() {
  writing_.reset();
  FolderWalk stage(slot_.stage());
  for (uint32_t i = 0; i < want_.size(); ++i) {
    const std::string name = MadeName(i);
    if (!keep_ || name.empty() || slot_.stage() < 0) continue;
    const auto folder = stage.At(ParentPath(name));
    if (!folder.ok()) continue;
    store_.MoveIn(*folder, std::string(BaseName(name)), EntryAt(i).digest);
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
  for (const auto& [path, spoilt] : state_.foreign) {
    const std::optional<uint32_t> i = want_.Find(path);
    if (!i) continue;
    const auto folder = OpenFolderBeneath(slot_.tree(), ParentPath(path));
    struct stat info;
    if (!folder.ok() ||
        fstatat(folder->get(), std::string(BaseName(path)).c_str(), &info,
                AT_SYMLINK_NOFOLLOW) != 0) {
      continue;
    }
    const bool is_folder = S_ISDIR(info.st_mode);
    if (is_folder || EntryAt(*i).type == EntryType::kFolder) {
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
  DIST_RETURN_IF_ERROR(TakeLocal());
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

// Path in the stage of a file that waits there; "" for every other.
std::string TreeBuilder::MadeName(uint32_t i) const {
  if (where_[i] == Where::kStage) return StageName(i);
  if (where_[i] != Where::kAside) return "";
  return absl::StrCat(kNew, "/", PathBelow(EntryAt(i).path, aside_));
}

void TreeBuilder::NoteMade(uint32_t i, const FileFacts& facts) {
  where_[i] = direct_ ? Where::kPlaced : Where::kStage;
  facts_[i] = facts;
}

absl::StatusOr<std::pair<int, std::string>> TreeBuilder::PlaceFor(uint32_t i) {
  if (!direct_) return std::make_pair(slot_.stage(), StageName(i));
  const std::string path = EntryAt(i).path;
  DIST_ASSIGN_OR_RETURN(const int folder, walk_.At(ParentPath(path)));
  return std::make_pair(folder, std::string(BaseName(path)));
}

absl::Status TreeBuilder::TakeLocal() {
  Contents contents;
  contents.reserve(diff_.make_files.size());
  for (const uint32_t i : diff_.make_files) {
    const Digest digest = EntryAt(i).digest;
    const auto [first, added] = contents.try_emplace(KeyOf(digest), i);
    if (!added && EntryAt(first->second).digest == digest) {
      twins_.emplace_back(i, first->second);
    } else {
      wanted_.push_back(i);
    }
  }
  FoundEntries found(state_);
  DIST_RETURN_IF_ERROR(TakeFrom(
      slot_.tree(), contents, static_cast<uint32_t>(state_.found.size()),
      [&](uint32_t i) -> const Entry& { return found.At(i); }));
  // It takes a while, and helps most where nothing is there yet.
  if (!state_.has_files) {
    DIST_RETURN_IF_ERROR(VisitOtherTrees(
        cache_home_, BaseName(ParentPath(slot_.home_path())), slot_.home_path(),
        [&](int tree, const PackedManifest& has) {
          PackedManifest::Cursor cursor(has);
          return TakeFrom(tree, contents, has.size(),
                          [&](uint32_t i) -> const Entry& {
                            cursor.Seek(i);
                            return cursor.entry();
                          });
        }));
  }
  for (const uint32_t i : wanted_) {
    if (IsMade(i)) continue;
    const auto content = store_.Find(EntryAt(i).digest);
    if (content.ok()) DIST_RETURN_IF_ERROR(Take(i, content->get()));
  }
  const auto made = [&](uint32_t i) { return IsMade(i); };
  wanted_.erase(std::remove_if(wanted_.begin(), wanted_.end(), made),
                wanted_.end());
  return absl::OkStatus();
}

// Copies what is wanted of the files of another tree, or of this one.
absl::Status TreeBuilder::TakeFrom(
    int tree, const Contents& contents, uint32_t count,
    absl::FunctionRef<const Entry&(uint32_t)> entry_at) {
  if (wanted_.empty()) return absl::OkStatus();
  for (uint32_t at = 0; at < count; ++at) {
    const Entry& entry = entry_at(at);
    if (entry.type != EntryType::kFile || entry.size == 0) continue;
    const auto wanted = contents.find(KeyOf(entry.digest));
    if (wanted == contents.end() || IsMade(wanted->second)) continue;
    const auto content = OpenBeneath(tree, entry.path, O_RDONLY | O_NONBLOCK);
    if (!content.ok()) continue;
    DIST_RETURN_IF_ERROR(Take(wanted->second, content->get()));
  }
  return absl::OkStatus();
}

// Makes a file of what may be its content. Errors: the disk is full.
absl::Status TreeBuilder::Take(uint32_t i, int content) {
  DIST_ASSIGN_OR_RETURN(const auto place, PlaceFor(i));
  const auto copied =
      CopyContent(content, place.first, place.second, EntryAt(i));
  if (copied.ok()) NoteMade(i, *copied);
  return absl::IsResourceExhausted(copied.status()) ? copied.status()
                                                    : absl::OkStatus();
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
  NoteMade(i, *facts);
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
  for (const auto& [i, twin] : twins_) {
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
    NoteMade(i, facts);
  }
  twins_.clear();
  return absl::OkStatus();
}

}  // namespace dist
