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
  offer.manifest_size = snapshot.manifest().bytes().size();
  if ((!destination_.likely_known || destination_.fresh) &&
      snapshot.compressed().size() <= kOfferedManifest) {
    offer.manifest = snapshot.compressed();
    manifest_sent_ = true;
    if (destination_.fresh) offer.contents_follow = PlanAll();
  }
  queue_.push_back(std::move(offer));
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
  const std::string& bytes = blocks_->snapshot().compressed();
  for (size_t at = 0; at < bytes.size(); at += kManifestPart) {
    const bool last = at + kManifestPart >= bytes.size();
    queue_.push_back(SendManifest{bytes.substr(at, kManifestPart), last});
  }
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

absl::StatusOr<std::optional<SyncRequest>> SyncSource::Next() {
  if (!queue_.empty()) {
    std::optional<SyncRequest> request = std::move(queue_.front());
    queue_.pop_front();
    return request;
  }
  if (!HasContents()) return std::optional<SyncRequest>();
  const uint64_t most = next_block_ < plan_->blocks() ? kMaxBlock : kMaxDelta;
  if (unwritten_ + most > kContentsWindow) return std::optional<SyncRequest>();
  DIST_ASSIGN_OR_RETURN(const BlockMaker::Message message, NextContents());
  const size_t size = SizeOf(*message);
  unwritten_ += size;
  bytes_sent_ += size;
  return std::optional<SyncRequest>(*message);
}

absl::StatusOr<BlockMaker::Message> SyncSource::NextContents() {
  if (next_block_ < plan_->blocks()) {
    return blocks_->Get(*plan_, next_block_++);
  }
  auto message = deltas_.front().Next(blocks_.get());
  if (deltas_.front().at_end()) deltas_.pop_front();
  return message;
}

}  // namespace dist
