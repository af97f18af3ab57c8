#include "sync/target.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"
#include "core/manifest/codec.h"
#include "sync/blocks.h"
#include "sync/cache_home.h"
#include "sync/compress.h"

namespace dist {
namespace {

// The source learns what is written in steps of this many bytes.
constexpr uint64_t kAcknowledge = kContentsWindow / 8;

absl::Status OutOfTurn() {
  return absl::DataLossError("the other end of the sync speaks out of turn");
}

// How many files a warning names.
constexpr size_t kNamed = 3;

std::string LeftOut(std::vector<std::string> paths) {
  const size_t more = paths.size() - std::min(paths.size(), kNamed);
  const bool one = paths.size() == 1;
  paths.resize(paths.size() - more);
  std::string text = absl::StrCat("left out: ", absl::StrJoin(paths, ", "));
  if (more > 0) absl::StrAppend(&text, " and ", more, " more");
  return absl::StrCat(text, one ? ": it was" : ": they were",
                      " changed or removed while ",
                      one ? "it was" : "they were", " fetched");
}

}  // namespace

SyncTarget::SyncTarget(std::string cache_home, Limits limits)
    : cache_home_(std::move(cache_home)), limits_(std::move(limits)) {}

absl::Status SyncTarget::CheckLimits(const PackedManifest& manifest) const {
  if (manifest.size() > limits_.entries) {
    return absl::InvalidArgumentError("more files than were asked for");
  }
  uint64_t left = limits_.bytes;
  for (const Entry& entry : manifest) {
    if (entry.type == EntryType::kLink && !limits_.links) {
      return absl::InvalidArgumentError("a link where files were asked for");
    }
    if (entry.type != EntryType::kFile) continue;
    if (entry.size > left) {
      return absl::InvalidArgumentError("more bytes than were asked for");
    }
    left -= entry.size;
  }
  return absl::OkStatus();
}

std::vector<SyncReply> SyncTarget::OnRequest(const SyncRequest& request) {
  Replies replies;
  if (failed()) return replies;
  const absl::Status status =
      std::visit([&](const auto& r) { return On(r, &replies); }, request);
  if (!status.ok()) {
    if (builder_ && absl::IsResourceExhausted(status)) builder_->GiveUpRoom();
    builder_.reset();
    slot_.reset();
    state_ = State::kFailed;
    replies.push_back(SyncFailed{std::string(status.message())});
  }
  return replies;
}

absl::Status SyncTarget::On(const OfferTree& offer, Replies* replies) {
  if (state_ != State::kIdle || offer.hash.size() != Digest::kSize ||
      (offer.contents_follow && offer.manifest.empty())) {
    return OutOfTurn();
  }
  if (offer.manifest_size > kMaxManifestBytes) {
    return absl::InvalidArgumentError("a manifest larger than 64 MiB");
  }
  auto slot = TreeSlot::Claim(cache_home_, offer.project, offer.folder);
  if (!offer.folder.empty() && absl::IsUnavailable(slot.status())) {
    return absl::UnavailableError(absl::StrCat(
        slot.status().message(), "\nhelp: wait for it, or ", limits_.instead));
  }
  DIST_ASSIGN_OR_RETURN(slot_, std::move(slot));
  DIST_ASSIGN_OR_RETURN(const Fd home, OpenPrivateFolder(cache_home_));
  DIST_ASSIGN_OR_RETURN(store_, Store::Open(home.get()));
  ledger_ = ReadLedger(slot_->home(), slot_->ledger());
  intent_ = ReadLedger(slot_->home(), slot_->ledger() + kIntent);
  hash_ = offer.hash;
  manifest_size_ = offer.manifest_size;
  contents_follow_ = offer.contents_follow;
  if (ledger_.hash == hash_) {
    want_ = ledger_.manifest;
    return Check(replies);
  }
  if (!offer.manifest.empty()) return TakeManifest(offer.manifest, replies);
  state_ = State::kManifest;
  replies->push_back(ManifestWanted{});
  return absl::OkStatus();
}

absl::Status SyncTarget::On(const SendManifest& part, Replies* replies) {
  if (state_ != State::kManifest) return OutOfTurn();
  if (part.bytes.size() > kMaxManifestBytes - manifest_bytes_.size()) {
    return absl::InvalidArgumentError("a manifest larger than 64 MiB");
  }
  manifest_bytes_.append(part.bytes);
  if (!part.last) return absl::OkStatus();
  return TakeManifest(std::exchange(manifest_bytes_, {}), replies);
}

absl::Status SyncTarget::TakeManifest(absl::string_view compressed,
                                      Replies* replies) {
  DIST_ASSIGN_OR_RETURN(std::string bytes,
                        Decompress(compressed, manifest_size_));
  if (DigestOf(bytes).view() != hash_) {
    return absl::DataLossError("the manifest is not what its hash says");
  }
  DIST_ASSIGN_OR_RETURN(PackedManifest manifest,
                        PackedManifest::Parse(std::move(bytes)));
  DIST_RETURN_IF_ERROR(CheckLimits(manifest));
  want_ = std::make_shared<PackedManifest>(std::move(manifest));
  return Check(replies);
}

absl::Status SyncTarget::Check(Replies* replies) {
  DIST_ASSIGN_OR_RETURN(TreeState state, CheckTree(slot_->tree(), slot_->own(),
                                                   ledger_, intent_, want_));
  return Plan(std::move(state), replies);
}

absl::Status SyncTarget::Plan(TreeState state, Replies* replies) {
  const Runs all = contents_follow_ ? RunsOfAll(*want_) : Runs();
  if (contents_follow_) {
    DIST_ASSIGN_OR_RETURN(const auto plan, ContentPlan::Make(*want_, all));
    unasked_ = plan.size();
    if (unasked_ > kMaxUnasked) {
      return absl::InvalidArgumentError("more than 4 MiB sent unasked");
    }
  }
  const bool clean = !slot_->own() || state.foreign.empty();
  if (state.as_wanted && clean && state.noted && ledger_.hash == hash_ &&
      ledger_.since_boot && !slot_->HasStage()) {
    return Finish(replies);
  }
  ledger_ = intent_ = Ledger();  // The state has what is left to know of them.
  builder_ = std::make_unique<TreeBuilder>(&*slot_, &*store_, std::move(state),
                                           cache_home_);
  if (limits_.leave_out_wrong) builder_->LeaveOutWrong();
  DIST_RETURN_IF_ERROR(builder_->Prepare());
  if (builder_->complete()) return Finish(replies);
  state_ = State::kContents;
  if (unasked_ > 0 && RunsOf(builder_->wanted()) == all) {
    unasked_ = 0;
    return absl::OkStatus();
  }
  ContentsWanted wanted;
  DIST_ASSIGN_OR_RETURN(wanted.signatures, builder_->Signatures());
  wanted.runs = RunsOf(builder_->wanted());
  replies->push_back(std::move(wanted));
  return absl::OkStatus();
}

absl::Status SyncTarget::On(const SendContents& block, Replies* replies) {
  if (unasked_ > 0) return Drop(block, replies);
  if (state_ != State::kContents) return OutOfTurn();
  if (block.size == 0 || block.size > kMaxBlock ||
      (!block.compressed && block.bytes.size() != block.size)) {
    return absl::DataLossError("a block of contents that lies about its size");
  }
  if (block.compressed) {
    DIST_ASSIGN_OR_RETURN(const std::string bytes,
                          Decompress(block.bytes, block.size));
    DIST_RETURN_IF_ERROR(builder_->Write(bytes));
  } else {
    DIST_RETURN_IF_ERROR(builder_->Write(block.bytes));
  }
  return Written(block.size, block.bytes.size(), replies);
}

absl::Status SyncTarget::Drop(const SendContents& block, Replies* replies) {
  if (block.size == 0 || block.size > kMaxBlock || block.size > unasked_) {
    return absl::DataLossError("a block of contents that lies about its size");
  }
  unasked_ -= block.size;
  // After SyncDone nobody needs credit.
  if (state_ == State::kContents) Acknowledge(block.bytes.size(), replies);
  return absl::OkStatus();
}

absl::Status SyncTarget::On(const SendDelta& delta, Replies* replies) {
  if (state_ != State::kContents) return OutOfTurn();
  if (delta.size == 0 || delta.size > kMaxSegment || delta.delta_size == 0 ||
      delta.delta_size > kMaxDelta ||
      (!delta.compressed && delta.bytes.size() != delta.delta_size)) {
    return absl::DataLossError("a delta that lies about its size");
  }
  if (delta.compressed) {
    DIST_ASSIGN_OR_RETURN(const std::string bytes,
                          Decompress(delta.bytes, delta.delta_size));
    DIST_RETURN_IF_ERROR(builder_->WriteDelta(bytes, delta.size));
  } else {
    DIST_RETURN_IF_ERROR(builder_->WriteDelta(delta.bytes, delta.size));
  }
  return Written(delta.delta_size, delta.bytes.size(), replies);
}

absl::Status SyncTarget::Written(uint64_t bytes, size_t size,
                                 Replies* replies) {
  received_ += bytes;
  if (builder_->complete()) {
    if (!builder_->WantAgain()) {
      return builder_->lost().empty() ? Finish(replies)
                                      : FinishWithoutLost(replies);
    }
    replies->push_back(ContentsWanted{RunsOf(builder_->wanted()), {}});
  }
  Acknowledge(size, replies);
  return absl::OkStatus();
}

void SyncTarget::Acknowledge(size_t size, Replies* replies) {
  unacknowledged_ += size;
  if (unacknowledged_ >= kAcknowledge) {
    replies->push_back(ContentsWritten{std::exchange(unacknowledged_, 0)});
  }
}

// As if they had never been in the manifest. What came is in the store.
absl::Status SyncTarget::FinishWithoutLost(Replies* replies) {
  const absl::flat_hash_set<Digest> lost = builder_->lost();
  builder_.reset();
  ManifestEncoder rest(want_->bytes().size());
  for (const Entry& entry : *want_) {
    if (entry.type == EntryType::kFile && lost.contains(entry.digest)) {
      left_out_.push_back(Printable(entry.path));
    } else {
      rest.Add(entry);
    }
  }
  std::string bytes = rest.Finish();
  hash_ = std::string(DigestOf(bytes).view());
  DIST_ASSIGN_OR_RETURN(PackedManifest manifest,
                        PackedManifest::Parse(std::move(bytes)));
  want_ = std::make_shared<PackedManifest>(std::move(manifest));
  contents_follow_ = false;
  ledger_ = ReadLedger(slot_->home(), slot_->ledger());
  intent_ = ReadLedger(slot_->home(), slot_->ledger() + kIntent);
  DIST_RETURN_IF_ERROR(Check(replies));
  if (done()) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(left_out_[0], " changed, and what else came is gone"));
}

absl::Status SyncTarget::Finish(Replies* replies) {
  SyncDone done;
  done.path = slot_->path();
  done.received = received_;
  if (!left_out_.empty()) done.warnings.push_back(LeftOut(left_out_));
  if (builder_ != nullptr) {
    DIST_RETURN_IF_ERROR(builder_->Commit());
    done.changed = builder_->changed();
    builder_.reset();
  }
  want_.reset();
  ledger_ = Ledger();
  state_ = State::kDone;
  replies->push_back(std::move(done));
  return absl::OkStatus();
}

}  // namespace dist
