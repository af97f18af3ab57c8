// The contents of files as numbered blocks: read, compressed and encoded once
// for all hosts that lack the same files.
#ifndef DIST_SYNC_BLOCKS_H_
#define DIST_SYNC_BLOCKS_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "core/model/sync_messages.h"
#include "core/wire/frame.h"
#include "sync/delta.h"
#include "sync/framing.h"
#include "sync/snapshot.h"

namespace dist {

// Positions in a manifest: first and count (ContentsWanted).
using Runs = std::vector<std::pair<uint32_t, uint32_t>>;
// Ascending positions as runs.
Runs RunsOf(const std::vector<uint32_t>& positions);
// What a target lacks that has nothing.
Runs RunsOfAll(const PackedManifest& manifest);

// The files that one host lacks, laid end to end and cut into blocks of
// kMaxBlock bytes.
class ContentPlan {
 public:
  // Errors: InvalidArgument unless the runs ascend and are in the manifest.
  static absl::StatusOr<ContentPlan> Make(const PackedManifest& manifest,
                                          const Runs& runs);

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

// Some contents, or a delta, as all hosts are told.
struct Block {
  uint32_t size = 0;        // Of the files' bytes.
  uint32_t delta_size = 0;  // As in SendDelta.
  size_t sent = 0;          // Bytes of it that count for ContentsWritten.
  SharedMessage message;
};

// Thread-safe; shared by the sources of a run. Blocks.
class BlockMaker {
 public:
  BlockMaker(std::shared_ptr<const Snapshot> snapshot, SyncFraming framing)
      : snapshot_(std::move(snapshot)), framing_(framing) {}
  BlockMaker(const BlockMaker&) = delete;
  BlockMaker& operator=(const BlockMaker&) = delete;

  const Snapshot& snapshot() const { return *snapshot_; }

  // Any request, for one host.
  SharedMessage Frame(uint32_t number, SyncRequest request) const {
    return framing_(number, std::move(request));
  }

  // Part `index` of the compressed manifest, for the syncs with that number.
  // Errors: none.
  absl::StatusOr<Block> GetManifest(uint32_t number, uint64_t index);
  uint64_t manifest_parts() const;

  // Block `index` of a plan. Errors: FailedPrecondition for a file that is not
  // as it was in the snapshot; of a lenient one zeros come for what is missing,
  // so that the other end finds another hash, and the next file in its place.
  absl::StatusOr<Block> Get(uint32_t number, const ContentPlan& plan,
                            uint64_t index);

  // Segment `index`, of kMaxSegment bytes, of the one file in `plan` as a
  // SendDelta; one without a delta if it would save little. `name`: what names
  // the contents of `base`. Errors: as above.
  absl::StatusOr<Block> GetDelta(uint32_t number, const ContentPlan& plan,
                                 uint64_t index, DeltaBase* base,
                                 const std::string& name);

  // How many messages were made, not taken from memory.
  uint64_t made() const;

 private:
  struct Slot {
    bool ready = false;
    absl::Status status;
    Block block;
    size_t size = 0;
  };
  struct Key {
    uint32_t number = 0;
    std::string contents;
    uint64_t index = 0;
    template <class H>
    friend H AbslHashValue(H h, const Key& key) {
      return H::combine(std::move(h), key.number, key.contents, key.index);
    }
    bool operator==(const Key& other) const {
      return number == other.number && index == other.index &&
             contents == other.contents;
    }
  };
  using Made = absl::StatusOr<std::pair<Block, SyncRequest>>;

  // From memory, or from `make`, which only one thread calls for a key. It
  // leaves the message to its caller.
  absl::StatusOr<Block> Get(const Key& key, const std::function<Made()>& make);
  void Keep(const Key& key, Slot* slot);
  // The bytes from `begin` to `end` of all of a plan's contents.
  absl::StatusOr<std::string> Read(const ContentPlan& plan, uint64_t begin,
                                   uint64_t end) const;

  const std::shared_ptr<const Snapshot> snapshot_;
  const SyncFraming framing_;
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  absl::flat_hash_map<Key, std::shared_ptr<Slot>> slots_;
  std::list<Key> order_;  // Oldest first.
  size_t kept_ = 0;       // Bytes in slots_.
  uint64_t made_ = 0;
};

}  // namespace dist

#endif  // DIST_SYNC_BLOCKS_H_
