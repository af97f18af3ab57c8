#include "sync/blocks.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"
#include "core/manifest/path_rules.h"
#include "sync/beneath.h"
#include "sync/compress.h"

namespace dist {
namespace {

// Blocks kept for hosts that are a little behind: 16 MiB at most. A host that
// is further behind has its blocks made again.
constexpr size_t kKept = 64;

absl::Status Changed(const Entry& entry) {
  return absl::FailedPreconditionError(absl::StrCat(
      Printable(entry.path),
      " changed during the sync\nhelp: run again when nothing writes to it"));
}

}  // namespace

absl::StatusOr<ContentPlan> ContentPlan::Make(
    const Manifest& manifest,
    const std::vector<std::pair<uint32_t, uint32_t>>& runs) {
  ContentPlan plan;
  Hasher key;
  uint64_t next = 0;
  for (const auto& [first, count] : runs) {
    const uint64_t end = uint64_t{first} + count;
    if (first < next || count == 0 || end > manifest.entries.size()) {
      return absl::InvalidArgumentError(
          "the other end asks for files that do not exist");
    }
    next = end;
    for (uint32_t i = first; i < end; ++i) {
      const Entry& entry = manifest.entries[i];
      if (entry.type != EntryType::kFile || entry.size == 0) continue;
      plan.pieces_.push_back({i, plan.size_, entry.size});
      plan.size_ += entry.size;
    }
    key.Add(absl::StrCat(first, " ", count, "\n"));
  }
  plan.key_ = std::string(key.Finish().view());
  return plan;
}

absl::StatusOr<SendContents> BlockMaker::Make(const ContentPlan& plan,
                                              uint64_t index) const {
  const uint64_t begin = index * kMaxBlock;
  const uint64_t end = std::min<uint64_t>(begin + kMaxBlock, plan.size());
  const auto& pieces = plan.pieces();
  auto piece = std::upper_bound(pieces.begin(), pieces.end(), begin,
                                [](uint64_t at, const ContentPlan::Piece& p) {
                                  return at < p.begin + p.size;
                                });
  std::string raw(end - begin, '\0');
  uint64_t at = begin;
  FolderWalk walk(snapshot_->folder());
  for (; at < end; ++piece) {
    const Entry& entry = snapshot_->manifest().entries[piece->entry];
    DIST_ASSIGN_OR_RETURN(const int folder, walk.At(ParentPath(entry.path)));
    const Fd fd(openat(folder, std::string(BaseName(entry.path)).c_str(),
                       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd.ok()) return Changed(entry);
    const uint64_t until = std::min(piece->begin + piece->size, end);
    while (at < until) {
      const ssize_t n = pread(fd.get(), &raw[at - begin], until - at,
                              static_cast<off_t>(at - piece->begin));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return ErrnoStatus(errno, entry.path);
      if (n == 0) return Changed(entry);
      at += static_cast<uint64_t>(n);
    }
    struct stat info;
    if (fstat(fd.get(), &info) != 0 ||
        FactsOf(info) != snapshot_->facts(piece->entry)) {
      return Changed(entry);
    }
  }
  SendContents block;
  block.size = static_cast<uint32_t>(raw.size());
  block.bytes = Compress(raw);
  // What does not shrink by a twentieth is not worth the other end's time.
  block.compressed =
      !block.bytes.empty() && block.bytes.size() < raw.size() / 20 * 19;
  if (!block.compressed) block.bytes = std::move(raw);
  return block;
}

absl::StatusOr<std::shared_ptr<const SendContents>> BlockMaker::Get(
    const ContentPlan& plan, uint64_t index) {
  std::unique_lock<std::mutex> lock(mutex_);
  const Key key(plan.key(), index);
  std::shared_ptr<Slot>& entry = slots_[key];
  if (entry != nullptr) {
    const std::shared_ptr<Slot> slot = entry;
    ready_.wait(lock, [&] { return slot->ready; });
    if (!slot->status.ok()) return slot->status;
    return slot->block;
  }
  const auto slot = std::make_shared<Slot>();
  entry = slot;
  order_.push_back(key);
  if (order_.size() > kKept) {
    slots_.erase(order_.front());
    order_.pop_front();
  }
  ++made_;
  lock.unlock();
  absl::StatusOr<SendContents> made = Make(plan, index);
  lock.lock();
  slot->ready = true;
  if (made.ok()) {
    slot->block = std::make_shared<const SendContents>(*std::move(made));
  } else {
    slot->status = made.status();
  }
  ready_.notify_all();
  if (!slot->status.ok()) return slot->status;
  return slot->block;
}

uint64_t BlockMaker::made() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return made_;
}

}  // namespace dist
