#include "sync/file_delta.h"

#include <algorithm>
#include <utility>

#include "core/base/status_macros.h"

namespace dist {
namespace {

// A search that finds nothing costs more than compressing does.
constexpr uint64_t kMaxSkip = 16;

static_assert(kMaxSegment % kMaxBlock == 0, "blocks end where segments do");

}  // namespace

absl::StatusOr<FileDelta> FileDelta::Make(const PackedManifest& manifest,
                                          uint32_t position,
                                          std::string signature) {
  DIST_ASSIGN_OR_RETURN(ContentPlan plan,
                        ContentPlan::Make(manifest, {{position, 1}}));
  if (plan.size() == 0) {
    return absl::InvalidArgumentError(
        "the other end asks for files that do not exist");
  }
  return FileDelta(std::move(plan), std::move(signature));
}

absl::Status FileDelta::Load() {
  DIST_ASSIGN_OR_RETURN(base_, DeltaBase::Load(signature_));
  name_ = std::string(DigestOf(signature_).view());
  signature_ = std::string();
  return absl::OkStatus();
}

absl::StatusOr<Block> FileDelta::Next(uint32_t number, BlockMaker* blocks) {
  if (base_ == nullptr) DIST_RETURN_IF_ERROR(Load());
  if (at_ >= whole_until_) {
    DIST_ASSIGN_OR_RETURN(
        Block delta,
        blocks->GetDelta(number, plan_, at_ / kMaxSegment, base_.get(), name_));
    if (delta.delta_size > 0) {
      at_ += delta.size;
      skip_ = 1;
      return delta;
    }
    whole_until_ = at_ + kMaxSegment * skip_;
    skip_ = std::min(2 * skip_, kMaxSkip);
  }
  auto block = blocks->Get(number, plan_, at_ / kMaxBlock);
  if (block.ok()) at_ += block->size;
  return block;
}

}  // namespace dist
