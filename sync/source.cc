#include "sync/source.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace dist {
namespace {

// A manifest up to this size (some 25,000 files) goes with the offer, which
// saves a round trip.
constexpr size_t kOfferedManifest = 1 << 20;
constexpr size_t kManifestPart = 256 << 10;

absl::Status OutOfTurn() {
  return absl::DataLossError("the other end of the sync speaks out of turn");
}

}  // namespace

SyncSource::SyncSource(std::shared_ptr<BlockMaker> blocks,
                       Destination destination)
    : blocks_(std::move(blocks)), destination_(std::move(destination)) {
  const Snapshot& snapshot = blocks_->snapshot();
  OfferTree offer;
  offer.project = destination_.project;
  offer.folder = destination_.folder;
  offer.hash = snapshot.hash();
  offer.manifest_size = snapshot.encoded().size();
  if (!destination_.likely_known &&
      snapshot.compressed().size() <= kOfferedManifest) {
    offer.manifest = snapshot.compressed();
    manifest_sent_ = true;
  }
  queue_.push_back(std::move(offer));
}

absl::Status SyncSource::OnReply(const SyncReply& reply) {
  if (done_) return OutOfTurn();
  return std::visit([this](const auto& r) { return On(r); }, reply);
}

absl::Status SyncSource::On(const ManifestWanted&) {
  if (std::exchange(manifest_sent_, true)) return OutOfTurn();
  const std::string& bytes = blocks_->snapshot().compressed();
  for (size_t at = 0; at < bytes.size(); at += kManifestPart) {
    const bool last = at + kManifestPart >= bytes.size();
    queue_.push_back(SendManifest{bytes.substr(at, kManifestPart), last});
  }
  return absl::OkStatus();
}

absl::Status SyncSource::On(const ContentsWanted& wanted) {
  if (plan_) return OutOfTurn();
  DIST_ASSIGN_OR_RETURN(
      plan_, ContentPlan::Make(blocks_->snapshot().manifest(), wanted.runs));
  return absl::OkStatus();
}

absl::Status SyncSource::On(const ContentsWritten& written) {
  if (written.bytes > unwritten_) return OutOfTurn();
  unwritten_ -= written.bytes;
  return absl::OkStatus();
}

absl::Status SyncSource::On(const SyncDone& done) {
  if (plan_ && next_block_ < plan_->blocks()) return OutOfTurn();
  done_ = done;
  return absl::OkStatus();
}

absl::Status SyncSource::On(const SyncFailed& failed) {
  return absl::FailedPreconditionError(failed.text);
}

absl::StatusOr<std::optional<SyncRequest>> SyncSource::Next() {
  if (!queue_.empty()) {
    std::optional<SyncRequest> request = std::move(queue_.front());
    queue_.pop_front();
    return request;
  }
  if (!plan_ || next_block_ >= plan_->blocks() ||
      unwritten_ + kMaxBlock > kContentsWindow) {
    return std::optional<SyncRequest>();
  }
  DIST_ASSIGN_OR_RETURN(const std::shared_ptr<const SendContents> block,
                        blocks_->Get(*plan_, next_block_));
  ++next_block_;
  unwritten_ += block->bytes.size();
  bytes_sent_ += block->bytes.size();
  return std::optional<SyncRequest>(*block);
}

}  // namespace dist
