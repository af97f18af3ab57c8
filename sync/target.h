// The target's end of one sync: requests in, replies out, a tree on the disk.
#ifndef DIST_SYNC_TARGET_H_
#define DIST_SYNC_TARGET_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "core/model/sync_messages.h"
#include "sync/store.h"
#include "sync/tree_builder.h"
#include "sync/tree_slot.h"

namespace dist {

// Holds the tree's lock as long as it lives, so that no other run changes the
// tree under the tests. Destroyed in the middle of a sync, it leaves the tree
// as it was, no temporary file, and keeps what was received for the next time.
class SyncTarget {
 public:
  // What the other end may make this one keep.
  struct Limits {
    uint64_t bytes = UINT64_MAX;  // Of all files together.
    uint64_t entries = UINT64_MAX;
    bool links = true;
    // A file whose content is not what its hash says is left out, and
    // SyncDone::warnings names it; otherwise it ends the sync.
    bool leave_out_wrong = false;
    // What else a user could do whose folder is in use by another run.
    std::string instead = "use another chdir=";
  };

  // `cache_home`: as of CacheHomePath().
  explicit SyncTarget(std::string cache_home)
      : SyncTarget(std::move(cache_home), Limits()) {}
  SyncTarget(std::string cache_home, Limits limits);

  // What the source said, and the answers in order. Blocks: it reads and writes
  // files. Believes nothing: whatever is wrong becomes SyncFailed, after which
  // every further request is ignored.
  std::vector<SyncReply> OnRequest(const SyncRequest& request);

  bool done() const { return state_ == State::kDone; }
  bool failed() const { return state_ == State::kFailed; }

 private:
  enum class State { kIdle, kManifest, kContents, kDone, kFailed };
  using Replies = std::vector<SyncReply>;

  absl::Status On(const OfferTree& offer, Replies* replies);
  absl::Status On(const SendManifest& part, Replies* replies);
  absl::Status On(const SendContents& block, Replies* replies);
  absl::Status On(const SendDelta& delta, Replies* replies);
  absl::Status Drop(const SendContents& block, Replies* replies);
  // Has written that many bytes, `size` on the link.
  absl::Status Written(uint64_t bytes, size_t size, Replies* replies);
  void Acknowledge(size_t size, Replies* replies);
  absl::Status CheckLimits(const PackedManifest& manifest) const;
  absl::Status TakeManifest(absl::string_view compressed, Replies* replies);
  absl::Status Check(Replies* replies);
  absl::Status Plan(TreeState state, Replies* replies);
  absl::Status FinishWithoutLost(Replies* replies);
  absl::Status Finish(Replies* replies);

  const std::string cache_home_;
  const Limits limits_;
  State state_ = State::kIdle;
  std::optional<TreeSlot> slot_;
  std::optional<Store> store_;
  Ledger ledger_;
  Ledger intent_;
  std::string hash_;
  uint64_t manifest_size_ = 0;
  std::string manifest_bytes_;  // Compressed, as far as they have come.
  bool contents_follow_ = false;
  uint64_t unasked_ = 0;  // Bytes of contents that come and are not wanted.
  std::shared_ptr<const PackedManifest> want_;
  std::unique_ptr<TreeBuilder> builder_;
  std::vector<std::string> left_out_;  // Paths.
  uint64_t unacknowledged_ = 0;
  uint64_t received_ = 0;
};

// Removes from the cache home what has not been used for a month, and contents
// beyond 2 GiB, oldest first; at most once a day. Never what a run uses.
void PruneCacheHome(const std::string& cache_home, absl::Time now);

}  // namespace dist

#endif  // DIST_SYNC_TARGET_H_
