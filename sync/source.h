// The source's end of one sync: replies in, requests out.
#ifndef DIST_SYNC_SOURCE_H_
#define DIST_SYNC_SOURCE_H_

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/model/sync_messages.h"
#include "sync/blocks.h"
#include "sync/file_delta.h"

namespace dist {

class SyncSource {
 public:
  struct Destination {
    uint32_t number = 0;  // As in SyncTold or FetchSaid.
    std::string project;  // As in OfferTree.
    std::string folder;
    // The target is likely to have the tree: offer it without its manifest.
    bool likely_known = false;
    // The target has nothing: send a small tree with the offer.
    bool fresh = false;
  };

  SyncSource(std::shared_ptr<BlockMaker> blocks, Destination destination);

  // What the target said. Errors: the sync has failed; the text is for the
  // user.
  absl::Status OnReply(const SyncReply& reply);

  // The next message for the target; null until it has spoken again. Reads
  // files, but never more than kContentsWindow bytes ahead of the target.
  // Errors: as above.
  absl::StatusOr<SharedMessage> Next();

  // Set when the target has the tree.
  const std::optional<SyncDone>& done() const { return done_; }
  uint64_t bytes_sent() const { return bytes_sent_; }

 private:
  bool PlanAll();
  absl::Status On(const ManifestWanted&);
  absl::Status On(const ContentsWanted& wanted);
  absl::Status On(const ContentsWritten& written);
  absl::Status On(const SyncDone& done);
  absl::Status On(const SyncFailed& failed);
  // Something is wanted and not sent.
  bool HasContents() const {
    return plan_ && (next_block_ < plan_->blocks() || !deltas_.empty());
  }
  absl::StatusOr<Block> NextContents();

  const std::shared_ptr<BlockMaker> blocks_;
  const Destination destination_;
  std::optional<OfferTree> offer_;  // Until it is sent.
  bool manifest_sent_ = false;      // Or being sent:
  uint64_t next_part_ = 0;
  uint64_t parts_ = 0;
  int asked_ = 0;  // How often the target has asked for contents.
  bool had_deltas_ = false;
  std::optional<ContentPlan> plan_;
  uint64_t next_block_ = 0;
  std::deque<FileDelta> deltas_;  // What comes after the plan.
  uint64_t unwritten_ = 0;        // Bytes that the target has not dealt with.
  uint64_t bytes_sent_ = 0;
  std::optional<SyncDone> done_;
};

}  // namespace dist

#endif  // DIST_SYNC_SOURCE_H_
