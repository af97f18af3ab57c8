#include "sync/blocks.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"
#include "core/manifest/path_rules.h"
#include "sync/beneath.h"
#include "sync/compress.h"

namespace dist {
namespace {

// Kept for hosts that are behind. A host that is further behind has its blocks
// made again.
constexpr size_t kKept = 32 << 20;
constexpr size_t kKeptMessages = 1024;
constexpr size_t kManifestPart = 256 << 10;
// A larger file that somebody writes to is not read once for each of its
// blocks.
constexpr uint64_t kLookAgain = 16 << 20;

// Compresses `raw`; false if it does not shrink by a twentieth, which is not
// worth the other end's time.
bool Shrink(std::string raw, std::string* bytes) {
  *bytes = Compress(raw);
  if (!bytes->empty() && bytes->size() < raw.size() / 20 * 19) {
    bytes->shrink_to_fit();
    return true;
  }
  *bytes = std::move(raw);
  return false;
}

absl::Status Changed(const Entry& entry) {
  return absl::FailedPreconditionError(absl::StrCat(
      Printable(entry.path),
      " changed during the sync\nhelp: run again when nothing writes to it"));
}

// Whether the file still begins with that content. Tests that run here already
// may touch a file, or append to it, while a slow host waits for it.
bool StillBeginsWith(int fd, const Entry& entry) {
  if (entry.size > kLookAgain) return false;
  std::string buffer(std::min<uint64_t>(entry.size, kMaxBlock), '\0');
  Hasher hasher;
  for (uint64_t at = 0; at < entry.size;) {
    const ssize_t n = pread(fd, &buffer[0],
                            std::min<uint64_t>(buffer.size(), entry.size - at),
                            static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    hasher.Add(absl::string_view(buffer).substr(0, n));
    at += static_cast<uint64_t>(n);
  }
  return hasher.Finish() == entry.digest;
}

}  // namespace

Runs RunsOf(const std::vector<uint32_t>& positions) {
  Runs runs;
  for (const uint32_t i : positions) {
    if (!runs.empty() && runs.back().first + runs.back().second == i) {
      ++runs.back().second;
    } else {
      runs.emplace_back(i, 1);
    }
  }
  return runs;
}

Runs RunsOfAll(const PackedManifest& manifest) {
  std::vector<uint32_t> firsts;
  absl::flat_hash_set<Digest> seen;
  uint32_t i = 0;
  for (const Entry& entry : manifest) {
    const bool file = entry.type == EntryType::kFile;
    if (file && seen.insert(entry.digest).second) firsts.push_back(i);
    ++i;
  }
  return RunsOf(firsts);
}

absl::StatusOr<ContentPlan> ContentPlan::Make(const PackedManifest& manifest,
                                              const Runs& runs) {
  ContentPlan plan;
  Hasher key;
  PackedManifest::Cursor cursor(manifest);
  uint64_t next = 0;
  for (const auto& [first, count] : runs) {
    const uint64_t end = uint64_t{first} + count;
    if (first < next || count == 0 || end > manifest.size()) {
      return absl::InvalidArgumentError(
          "the other end asks for files that do not exist");
    }
    next = end;
    cursor.Seek(first);
    for (uint32_t i = first; i < end; ++i, cursor.Next()) {
      const Entry& entry = cursor.entry();
      if (entry.type != EntryType::kFile || entry.size == 0) continue;
      plan.pieces_.push_back({i, plan.size_, entry.size});
      plan.size_ += entry.size;
    }
    key.Add(absl::StrCat(first, " ", count, "\n"));
  }
  plan.key_ = std::string(key.Finish().view());
  return plan;
}

namespace {

Fd OpenFile(FolderWalk* walk, const Entry& entry) {
  const auto folder = walk->At(ParentPath(entry.path));
  if (!folder.ok()) return Fd();
  return Fd(openat(*folder, std::string(BaseName(entry.path)).c_str(),
                   O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
}

// Another file that had the same content.
Fd OpenTwin(FolderWalk* walk, const PackedManifest& manifest,
            const Entry& gone) {
  for (const Entry& entry : manifest) {
    if (entry.type != EntryType::kFile || entry.digest != gone.digest) continue;
    Fd fd = OpenFile(walk, entry);
    if (fd.ok()) return fd;
  }
  return Fd();
}

}  // namespace

absl::StatusOr<std::string> BlockMaker::Read(const ContentPlan& plan,
                                             uint64_t begin,
                                             uint64_t end) const {
  const auto& pieces = plan.pieces();
  auto piece = std::upper_bound(pieces.begin(), pieces.end(), begin,
                                [](uint64_t at, const ContentPlan::Piece& p) {
                                  return at < p.begin + p.size;
                                });
  std::string raw(end - begin, '\0');
  uint64_t at = begin;
  FolderWalk walk(snapshot_->folder());
  PackedManifest::Cursor cursor(snapshot_->manifest());
  for (; at < end; ++piece) {
    cursor.Seek(piece->entry);
    const Entry& entry = cursor.entry();
    const uint64_t until = std::min(piece->begin + piece->size, end);
    Fd fd = OpenFile(&walk, entry);
    if (!fd.ok() && snapshot_->lenient()) {
      fd = OpenTwin(&walk, snapshot_->manifest(), entry);
    }
    if (!fd.ok() && !snapshot_->lenient()) return Changed(entry);
    while (fd.ok() && at < until) {
      const ssize_t n = pread(fd.get(), &raw[at - begin], until - at,
                              static_cast<off_t>(at - piece->begin));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0 && snapshot_->lenient()) break;
      if (n < 0) return ErrnoStatus(errno, entry.path);
      if (n == 0) return Changed(entry);
      at += static_cast<uint64_t>(n);
    }
    struct stat info;
    // What was there once is what the other end expects, or else notices.
    if (snapshot_->lenient()) {
      at = until;
      continue;
    }
    if (fstat(fd.get(), &info) != 0 ||
        (FactsOf(info) != snapshot_->facts(piece->entry) &&
         !StillBeginsWith(fd.get(), entry))) {
      return Changed(entry);
    }
  }
  return raw;
}

uint64_t BlockMaker::manifest_parts() const {
  return (snapshot_->compressed().size() + kManifestPart - 1) / kManifestPart;
}

absl::StatusOr<Block> BlockMaker::GetManifest(uint32_t number, uint64_t index) {
  return Get(Key{number, "", index}, [&]() -> Made {
    return std::pair(Block(), SyncRequest(SendManifest{
                                  snapshot_->compressed().substr(
                                      index * kManifestPart, kManifestPart),
                                  index + 1 == manifest_parts()}));
  });
}

absl::StatusOr<Block> BlockMaker::Get(uint32_t number, const ContentPlan& plan,
                                      uint64_t index) {
  return Get(Key{number, plan.key(), index}, [&]() -> Made {
    const uint64_t begin = index * kMaxBlock;
    DIST_ASSIGN_OR_RETURN(
        std::string raw,
        Read(plan, begin, std::min<uint64_t>(begin + kMaxBlock, plan.size())));
    SendContents contents;
    contents.size = static_cast<uint32_t>(raw.size());
    contents.compressed = Shrink(std::move(raw), &contents.bytes);
    Block block;
    block.size = contents.size;
    block.sent = contents.bytes.size();
    return std::pair(std::move(block), SyncRequest(std::move(contents)));
  });
}

absl::StatusOr<Block> BlockMaker::GetDelta(uint32_t number,
                                           const ContentPlan& plan,
                                           uint64_t index, DeltaBase* base,
                                           const std::string& name) {
  const Key key{number, absl::StrCat(plan.key(), name), index};
  return Get(key, [&]() -> Made {
    const uint64_t begin = index * kMaxSegment;
    DIST_ASSIGN_OR_RETURN(
        const std::string raw,
        Read(plan, begin,
             std::min<uint64_t>(begin + kMaxSegment, plan.size())));
    SendDelta delta;
    delta.size = static_cast<uint32_t>(raw.size());
    std::string bytes = base->DeltaTo(raw);
    delta.delta_size = static_cast<uint32_t>(bytes.size());
    delta.compressed = Shrink(std::move(bytes), &delta.bytes);
    Block block;
    block.size = delta.size;
    block.delta_size = delta.delta_size;
    block.sent = delta.bytes.size();
    return std::pair(std::move(block), SyncRequest(std::move(delta)));
  });
}

absl::StatusOr<Block> BlockMaker::Get(const Key& key,
                                      const std::function<Made()>& make) {
  std::unique_lock<std::mutex> lock(mutex_);
  std::shared_ptr<Slot>& entry = slots_[key];
  if (entry != nullptr) {
    const std::shared_ptr<Slot> slot = entry;
    ready_.wait(lock, [&] { return slot->ready; });
    if (!slot->status.ok()) return slot->status;
    return slot->block;
  }
  const auto slot = std::make_shared<Slot>();
  entry = slot;
  ++made_;
  lock.unlock();
  Made made = make();
  if (made.ok()) {
    made->first.message = Frame(key.number, std::move(made->second));
  }
  lock.lock();
  slot->ready = true;
  if (made.ok()) {
    slot->block = std::move(made->first);
    slot->size = slot->block.message->size();
  } else {
    slot->status = made.status();
  }
  Keep(key, slot.get());
  ready_.notify_all();
  if (!slot->status.ok()) return slot->status;
  return slot->block;
}

void BlockMaker::Keep(const Key& key, Slot* slot) {
  kept_ += slot->size;
  order_.push_back(key);
  while (kept_ > kKept || order_.size() > kKeptMessages) {
    const auto oldest = slots_.find(order_.front());
    kept_ -= oldest->second->size;
    slots_.erase(oldest);
    order_.pop_front();
  }
}

uint64_t BlockMaker::made() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return made_;
}

}  // namespace dist
