// The part of a TreeBuilder for large files of which there is an older version.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "core/base/status_macros.h"
#include "core/model/sync_messages.h"
#include "sync/delta.h"
#include "sync/tree_builder.h"

namespace dist {

// The version that the tree has of a file.
absl::StatusOr<Fd> TreeBuilder::OpenOld(uint32_t i, uint64_t* size) const {
  DIST_ASSIGN_OR_RETURN(
      Fd fd, OpenBeneath(slot_.tree(), EntryAt(i).path, O_RDONLY | O_NONBLOCK));
  struct stat info;
  if (fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return absl::NotFoundError("no file");
  }
  *size = static_cast<uint64_t>(info.st_size);
  return fd;
}

absl::StatusOr<std::vector<std::pair<uint32_t, std::string>>>
TreeBuilder::Signatures() {
  std::vector<std::pair<uint32_t, std::string>> signatures;
  size_t bytes = 0;
  std::vector<uint32_t> whole;
  for (const uint32_t i : wanted_) {
    const Found* const old = FoundAt(i);
    if (!direct_ && old != nullptr &&
        WorthADelta(old->facts.size, EntryAt(i).size) &&
        bytes < kMaxSignatures) {
      uint64_t size = 0;
      const auto fd = OpenOld(i, &size);
      auto signature = fd.ok() && WorthADelta(size, EntryAt(i).size)
                           ? SignatureOf(fd->get(), size)
                           : fd.status();
      if (signature.ok() && signature->size() <= kMaxSignatures - bytes) {
        bytes += signature->size();
        signatures.emplace_back(i, *std::move(signature));
        signed_.insert(i);
        continue;
      }
    }
    whole.push_back(i);
  }
  wanted_ = order_ = std::move(whole);
  for (const auto& [i, signature] : signatures) order_.push_back(i);
  DIST_RETURN_IF_ERROR(SkipEmpty());
  return signatures;
}

absl::Status TreeBuilder::WriteDelta(absl::string_view delta, size_t size) {
  const uint32_t i = complete() ? 0 : order_[next_wanted_];
  if (complete() || !signed_.contains(i) ||
      size > EntryAt(i).size - (writing_ ? writing_->size() : 0)) {
    return absl::DataLossError("a delta that was not asked for");
  }
  uint64_t old_size = 0;
  const auto old = OpenOld(i, &old_size);
  auto made = old.ok() ? ApplyDelta(old->get(), delta, size) : old.status();
  // Somebody may have changed the old version: the hash will tell.
  return Write(made.ok() ? *made : std::string(size, '\0'));
}

// What came is not the file.
absl::Status TreeBuilder::DropWritten() {
  const uint32_t i = order_[next_wanted_++];
  DIST_ASSIGN_OR_RETURN(const auto place, PlaceFor(i));
  unlinkat(place.first, place.second.c_str(), 0);
  if (signed_.contains(i)) {
    spoilt_.push_back(i);  // Its deltas may be to blame.
  } else {
    lost_.insert(EntryAt(i).digest);
  }
  return absl::OkStatus();
}

bool TreeBuilder::WantAgain() {
  if (spoilt_.empty()) return false;
  wanted_ = order_ = std::exchange(spoilt_, {});
  signed_.clear();
  next_wanted_ = 0;
  return true;
}

}  // namespace dist
