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
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/manifest/diff.h"
#include "sync/beneath.h"
#include "sync/content_file.h"
#include "sync/local_contents.h"
#include "sync/store.h"
#include "sync/tree_check.h"
#include "sync/tree_slot.h"

namespace dist {

class TreeBuilder {
 public:
  // None of them is owned; all must outlive this. `state` is the slot's.
  TreeBuilder(TreeSlot* slot, Store* store, TreeState state,
              const Manifest* want, std::string cache_home);
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
  struct Made {
    std::string name;  // Path in the stage; "": at its place.
    FileFacts facts;
  };

  const Entry& EntryAt(uint32_t i) const { return want_.entries[i]; }
  std::string StageName(uint32_t i) const;
  absl::Status CheckObstacles() const;
  absl::Status SalvageStage();
  absl::Status MakeFolders();
  absl::StatusOr<std::pair<int, std::string>> PlaceFor(uint32_t i);
  absl::StatusOr<Fd> OpenOld(uint32_t i, uint64_t* size) const;
  absl::Status DropWritten();
  absl::Status TakeLocal(LocalContents* local);
  absl::Status CopyTwins();
  absl::Status SkipEmpty();
  absl::Status Finish();

  // In a tree of our own that has been used.
  std::optional<std::string> PlaceOfChange() const;
  absl::Status SwapIn();
  absl::Status RemoveLeftovers();
  absl::Status MakeAside(const std::string& place, std::string* made);
  absl::Status MakeFolderAside(const std::string& place);
  absl::Status PutFile(uint32_t i, int folder, const std::string& name,
                       absl::string_view path);
  absl::Status ClearOut(const std::string& place, const std::string& old);
  absl::Status ChangeInPlaceAfterAll();
  void MoveKept(const std::string& place, FolderWalk* old);
  absl::Status LookAgain(const std::string& place);

  // In every other.
  absl::Status ChangeInPlace();
  absl::Status Remove();
  absl::Status RemoveOurs(const std::string& path);
  absl::Status PlaceFiles();
  absl::Status PlaceLinks();
  absl::Status Touch();
  void DropBytecode();
  absl::Status SaveIntent();
  absl::Status SaveLedger(const std::string& name, const Manifest& manifest);
  void Abandon();

  TreeSlot& slot_;
  Store& store_;
  TreeState state_;
  const Manifest& want_;
  const std::string cache_home_;
  TreeDiff diff_;
  const bool direct_;  // Files are written at their place.
  FolderWalk walk_;

  std::vector<uint32_t> wanted_;
  std::vector<uint32_t> order_;  // Of writing: wanted_, then signed_.
  size_t next_wanted_ = 0;       // In order_.
  absl::flat_hash_set<uint32_t> signed_;
  std::vector<uint32_t> spoilt_;  // By their deltas.
  bool leaves_out_ = false;
  absl::flat_hash_set<Digest> lost_;
  std::optional<ContentFile> writing_;
  absl::flat_hash_map<Digest, uint32_t> first_;  // Of files with one content.
  std::vector<uint32_t> twins_;                  // The others of them.
  absl::flat_hash_map<uint32_t, Made> made_;     // By position.
  uint64_t changed_ = 0;
  bool committed_ = false;
  bool keep_ = true;
};

}  // namespace dist

#endif  // DIST_SYNC_TREE_BUILDER_H_
