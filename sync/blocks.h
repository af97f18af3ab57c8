// The contents of files as numbered blocks: read and compressed once for all
// hosts that lack the same files.
#ifndef DIST_SYNC_BLOCKS_H_
#define DIST_SYNC_BLOCKS_H_

#include <condition_variable>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "core/model/sync_messages.h"
#include "sync/snapshot.h"

namespace dist {

// The files that one host lacks, laid end to end and cut into blocks of
// kMaxBlock bytes.
class ContentPlan {
 public:
  // Errors: InvalidArgument unless the runs ascend and are in the manifest.
  static absl::StatusOr<ContentPlan> Make(
      const Manifest& manifest,
      const std::vector<std::pair<uint32_t, uint32_t>>& runs);

  struct Piece {
    uint32_t entry = 0;
    uint64_t begin = 0;  // Of the file's bytes, in all of the contents.
    uint64_t size = 0;
  };
  const std::vector<Piece>& pieces() const { return pieces_; }
  uint64_t size() const { return size_; }
  uint64_t blocks() const { return (size_ + kMaxBlock - 1) / kMaxBlock; }
  // Equal for plans that want the same files of one snapshot.
  const std::string& key() const { return key_; }

 private:
  std::vector<Piece> pieces_;  // Without empty files.
  uint64_t size_ = 0;
  std::string key_;
};

// Thread-safe; shared by the sources of a run. Blocks.
class BlockMaker {
 public:
  explicit BlockMaker(std::shared_ptr<const Snapshot> snapshot)
      : snapshot_(std::move(snapshot)) {}
  BlockMaker(const BlockMaker&) = delete;
  BlockMaker& operator=(const BlockMaker&) = delete;

  const Snapshot& snapshot() const { return *snapshot_; }

  // Block `index` of a plan. Errors: FailedPrecondition for a file that is not
  // as it was in the snapshot.
  absl::StatusOr<std::shared_ptr<const SendContents>> Get(
      const ContentPlan& plan, uint64_t index);

  // How many blocks were read, not taken from memory.
  uint64_t made() const;

 private:
  struct Slot {
    bool ready = false;
    absl::Status status;
    std::shared_ptr<const SendContents> block;
  };
  using Key = std::pair<std::string, uint64_t>;

  absl::StatusOr<SendContents> Make(const ContentPlan& plan,
                                    uint64_t index) const;

  const std::shared_ptr<const Snapshot> snapshot_;
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  absl::flat_hash_map<Key, std::shared_ptr<Slot>> slots_;
  std::list<Key> order_;  // Oldest first.
  uint64_t made_ = 0;
};

}  // namespace dist

#endif  // DIST_SYNC_BLOCKS_H_
