// Makes a tree what a manifest says.
//
// First everything that is missing is written and verified, beside the tree;
// until then the tree stays as it was. Then it is changed. In a tree of our own
// that is one rename: of what changes, if it is one thing, else of the smallest
// folder that all changes are in, made anew with hard links to what stays.
// Whoever is killed leaves the old tree or the new one; only times of files
// whose contents stay may be from both. In a chdir= folder, which
// is the user's and in use, each path is renamed by itself; whoever is killed
// in between leaves a tree that the next one completes. Nobody uses a tree
// without its lock and a sync.
#ifndef DIST_SYNC_TREE_BUILDER_H_
#define DIST_SYNC_TREE_BUILDER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/manifest/diff.h"
#include "core/manifest/packed_manifest.h"
#include "sync/beneath.h"
#include "sync/content_file.h"
#include "sync/ledger.h"
#include "sync/store.h"
#include "sync/tree_check.h"
#include "sync/tree_slot.h"

namespace dist {

class TreeBuilder {
 public:
  // Slot and store are not owned and must outlive this. `state` is the slot's.
  TreeBuilder(TreeSlot* slot, Store* store, TreeState state,
              std::string cache_home);
  ~TreeBuilder();
  TreeBuilder(const TreeBuilder&) = delete;
  TreeBuilder& operator=(const TreeBuilder&) = delete;

  // Takes what this machine has. Then wanted() says what it has not.
  absl::Status Prepare();

  // Positions of the files to be written, one a content, ascending.
  const std::vector<uint32_t>& wanted() const { return wanted_; }

  // Moves large files of which there is an older version from wanted() to the
  // end of what is written, ascending; returns their positions and the
  // signatures of these versions. To be called once, after Prepare().
  absl::StatusOr<std::vector<std::pair<uint32_t, std::string>>> Signatures();

  // The next bytes of all wanted contents. Errors: DataLoss for a content that
  // is not what its hash says, or too many bytes; as of write().
  absl::Status Write(absl::string_view bytes);
  // The next `size` bytes, of a file with a signature. Errors: as above, but a
  // delta that does not fit makes wrong bytes.
  absl::Status WriteDelta(absl::string_view delta, size_t size);
  bool complete() const { return next_wanted_ == order_.size(); }

  // From now on a content that is not what its hash says is no error: it is one
  // of lost(), and Commit() must not be called.
  void LeaveOutWrong() { leaves_out_ = true; }
  const absl::flat_hash_set<Digest>& lost() const { return lost_; }

  // Files whose deltas have made something else than their hashes say become
  // wanted(). False if there are none. REQUIRES: complete().
  bool WantAgain();

  // Do not keep what came so far: the disk is full.
  void GiveUpRoom() { keep_ = false; }

  // Changes the tree and writes its ledger. REQUIRES: complete().
  absl::Status Commit();

  uint64_t changed() const { return changed_; }

 private:
  // Where a file is that shall be in the tree.
  enum class Where : uint8_t {
    kFound,   // Where it was, or nowhere.
    kStage,   // In the stage, by StageName().
    kAside,   // In the folder that shall take the place of aside_.
    kPlaced,  // At its place, new.
  };

  Entry EntryAt(uint32_t i) const;
  // Of the file at the same path, if there was one.
  const Found* FoundAt(uint32_t i) const;
  bool IsMade(uint32_t i) const { return where_[i] != Where::kFound; }
  std::string MadeName(uint32_t i) const;
  void NoteMade(uint32_t i, const FileFacts& facts);
  std::string StageName(uint32_t i) const;
  absl::Status CheckObstacles() const;
  absl::Status SalvageStage();
  absl::Status MakeFolders();
  absl::StatusOr<std::pair<int, std::string>> PlaceFor(uint32_t i);
  absl::StatusOr<Fd> OpenOld(uint32_t i, uint64_t* size) const;
  absl::Status DropWritten();
  // Positions of files by the beginnings of their hashes.
  using Contents = absl::flat_hash_map<uint64_t, uint32_t>;
  absl::Status TakeLocal();
  absl::Status TakeFrom(int tree, const Contents& contents, uint32_t count,
                        absl::FunctionRef<const Entry&(uint32_t)> entry_at);
  absl::Status Take(uint32_t i, int content);
  absl::Status CopyTwins();
  absl::Status SkipEmpty();
  absl::Status Finish();

  // In a tree of our own that has been used.
  std::optional<std::string> PlaceOfChange() const;
  absl::Status SwapIn();
  absl::Status RemoveLeftovers();
  absl::Status MakeAside(const std::string& place, std::string* made);
  absl::Status MakeFolderAside(const std::string& place);
  uint32_t FirstUnder(const std::string& place) const;
  absl::Status PutFile(uint32_t i, int folder, const std::string& name);
  absl::Status ClearOut(const std::string& place, const std::string& old);
  absl::Status ChangeInPlaceAfterAll();
  void MoveKept(const std::string& place, FolderWalk* old);
  absl::Status LookAgain(const std::string& place);

  // In every other.
  absl::Status ChangeInPlace();
  absl::Status Remove();
  absl::Status RemoveOurs(const Entry& entry);
  absl::Status PlaceFiles();
  absl::Status PlaceLinks();
  absl::Status Touch();
  void DropBytecode();
  absl::Status SaveIntent() const;
  absl::Status SaveLedger(const std::string& name) const;
  void Abandon();

  TreeSlot& slot_;
  Store& store_;
  TreeState state_;
  const std::shared_ptr<const PackedManifest> wanted_manifest_;
  const PackedManifest& want_;
  mutable PackedManifest::Cursor want_cursor_;
  const std::string cache_home_;
  TreeDiff diff_;
  const bool direct_;  // Files are written at their place.
  FolderWalk walk_;

  // By position.
  std::vector<Where> where_;
  std::vector<FileFacts> facts_;  // Of files that are there, or made.
  std::vector<bool> theirs_;      // It was there before dist came, and stays.
  std::string aside_;

  std::vector<uint32_t> wanted_;
  std::vector<uint32_t> order_;  // Of writing: wanted_, then signed_.
  size_t next_wanted_ = 0;       // In order_.
  absl::flat_hash_set<uint32_t> signed_;
  std::vector<uint32_t> spoilt_;  // By their deltas.
  bool leaves_out_ = false;
  absl::flat_hash_set<Digest> lost_;
  std::optional<ContentFile> writing_;
  // Files with the content of another one, and that.
  std::vector<std::pair<uint32_t, uint32_t>> twins_;
  uint64_t changed_ = 0;
  bool committed_ = false;
  bool keep_ = true;
};

}  // namespace dist

#endif  // DIST_SYNC_TREE_BUILDER_H_
