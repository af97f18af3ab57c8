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
  offer.manifest_size = snapshot.manifest().bytes().size();
  if ((!destination_.likely_known || destination_.fresh) &&
      snapshot.compressed().size() <= kOfferedManifest) {
    offer.manifest = snapshot.compressed();
    manifest_sent_ = true;
    if (destination_.fresh) offer.contents_follow = PlanAll();
  }
  offer_ = std::move(offer);
}

// If all contents are few enough to be sent unasked.
bool SyncSource::PlanAll() {
  const PackedManifest& manifest = blocks_->snapshot().manifest();
  auto plan = ContentPlan::Make(manifest, RunsOfAll(manifest));
  if (!plan.ok() || plan->size() > kMaxUnasked) return false;
  plan_ = *std::move(plan);
  return true;
}

absl::Status SyncSource::OnReply(const SyncReply& reply) {
  if (done_) return OutOfTurn();
  return std::visit([this](const auto& r) { return On(r); }, reply);
}

absl::Status SyncSource::On(const ManifestWanted&) {
  if (std::exchange(manifest_sent_, true)) return OutOfTurn();
  parts_ = blocks_->manifest_parts();
  return absl::OkStatus();
}

absl::Status SyncSource::On(const ContentsWanted& wanted) {
  // Files whose deltas made something else are wanted again, whole.
  if (HasContents() || asked_ == 2 ||
      (asked_ == 1 && (!had_deltas_ || !wanted.signatures.empty()))) {
    return OutOfTurn();
  }
  ++asked_;
  had_deltas_ = !wanted.signatures.empty();
  const PackedManifest& manifest = blocks_->snapshot().manifest();
  DIST_ASSIGN_OR_RETURN(plan_, ContentPlan::Make(manifest, wanted.runs));
  next_block_ = 0;
  size_t bytes = 0;
  uint64_t next = 0;
  for (const auto& [position, signature] : wanted.signatures) {
    bytes += signature.size();
    if (position < next || bytes > kMaxSignatures) return OutOfTurn();
    next = uint64_t{position} + 1;
    DIST_ASSIGN_OR_RETURN(FileDelta delta,
                          FileDelta::Make(manifest, position, signature));
    deltas_.push_back(std::move(delta));
  }
  return absl::OkStatus();
}

absl::Status SyncSource::On(const ContentsWritten& written) {
  if (written.bytes > unwritten_) return OutOfTurn();
  unwritten_ -= written.bytes;
  return absl::OkStatus();
}

absl::Status SyncSource::On(const SyncDone& done) {
  if (HasContents()) return OutOfTurn();
  done_ = done;
  return absl::OkStatus();
}

absl::Status SyncSource::On(const SyncFailed& failed) {
  return absl::FailedPreconditionError(failed.text);
}

absl::StatusOr<SharedMessage> SyncSource::Next() {
  if (offer_) {
    const SharedMessage message =
        blocks_->Frame(destination_.number, *std::move(offer_));
    offer_.reset();
    return message;
  }
  if (next_part_ < parts_) {
    DIST_ASSIGN_OR_RETURN(
        Block part, blocks_->GetManifest(destination_.number, next_part_));
    ++next_part_;
    return std::move(part.message);
  }
  if (!HasContents()) return SharedMessage();
  const uint64_t most = next_block_ < plan_->blocks() ? kMaxBlock : kMaxDelta;
  if (unwritten_ + most > kContentsWindow) return SharedMessage();
  DIST_ASSIGN_OR_RETURN(Block block, NextContents());
  unwritten_ += block.sent;
  bytes_sent_ += block.sent;
  return std::move(block.message);
}

absl::StatusOr<Block> SyncSource::NextContents() {
  if (next_block_ < plan_->blocks()) {
    return blocks_->Get(destination_.number, *plan_, next_block_++);
  }
  auto block = deltas_.front().Next(destination_.number, blocks_.get());
  if (deltas_.front().at_end()) deltas_.pop_front();
  return block;
}

}  // namespace dist
