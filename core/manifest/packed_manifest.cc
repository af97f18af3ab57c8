#include "core/manifest/packed_manifest.h"

#include <algorithm>
#include <utility>

#include "core/base/status_macros.h"
#include "core/manifest/path_rules.h"

namespace dist {
namespace {

// Paths share prefixes, so that short bytes can stand for long paths: what they
// stand for is bounded as well.
constexpr size_t kMaxPathBytes = size_t{128} << 20;

absl::Status Malformed() {
  return absl::InvalidArgumentError("malformed manifest");
}

}  // namespace

absl::StatusOr<PackedManifest> PackedManifest::Parse(std::string bytes) {
  if (bytes.size() > kMaxManifestBytes) return Malformed();
  PackedManifest manifest(std::move(bytes));
  DIST_ASSIGN_OR_RETURN(ManifestDecoder decoder,
                        ManifestDecoder::Begin(manifest.bytes_));
  ManifestChecker checker;
  Entry entry;
  std::string previous;
  size_t path_bytes = 0;
  for (; manifest.size_ < decoder.count(); ++manifest.size_) {
    const size_t at = decoder.at();
    if (!decoder.Next(&entry)) return Malformed();
    path_bytes += entry.path.size();
    if (path_bytes > kMaxPathBytes) return Malformed();
    DIST_RETURN_IF_ERROR(checker.Add(entry));
    // The longest prefix that is shared, or it would be another encoding.
    const size_t shared = decoder.shared();
    if (shared < std::min(previous.size(), entry.path.size()) &&
        previous[shared] == entry.path[shared]) {
      return Malformed();
    }
    previous = entry.path;
    if (manifest.size_ % kStep != 0) continue;
    manifest.paths_.append(entry.path);
    manifest.marks_.push_back({static_cast<uint32_t>(at),
                               static_cast<uint32_t>(manifest.paths_.size())});
  }
  if (decoder.at() != manifest.bytes_.size()) return Malformed();
  manifest.marks_.shrink_to_fit();
  manifest.paths_.shrink_to_fit();
  return manifest;
}

absl::string_view PackedManifest::MarkedPath(size_t mark) const {
  const uint32_t begin = mark == 0 ? 0 : marks_[mark - 1].path_end;
  return absl::string_view(paths_).substr(begin, marks_[mark].path_end - begin);
}

std::optional<uint32_t> PackedManifest::Find(absl::string_view path) const {
  size_t low = 0;
  size_t high = marks_.size();
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (ComparePaths(MarkedPath(middle), path) <= 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == 0) return std::nullopt;
  Cursor cursor(*this, static_cast<uint32_t>(low - 1) * kStep);
  if (!cursor.Advance(path)) return std::nullopt;
  return cursor.position();
}

PackedManifest::Cursor::Cursor(const PackedManifest& manifest,
                               uint32_t position)
    : manifest_(&manifest), decoder_(manifest.bytes_, 0) {
  position_ = manifest.size();
  Seek(position);
}

// The bytes were checked as a whole.
void PackedManifest::Cursor::Next() {
  if (++position_ < manifest_->size()) (void)decoder_.Next(&entry_);
}

void PackedManifest::Cursor::Seek(uint32_t position) {
  const uint32_t size = manifest_->size();
  if (position >= size) {
    position_ = size;
    return;
  }
  const uint32_t mark = position / kStep;
  if (at_end() || position < position_ || mark != position_ / kStep) {
    // An entry's path has all that it shares with the one before.
    entry_.path = std::string(manifest_->MarkedPath(mark));
    decoder_ = ManifestDecoder(manifest_->bytes_, manifest_->marks_[mark].at);
    (void)decoder_.Next(&entry_);
    position_ = mark * kStep;
  }
  while (position_ < position) Next();
}

bool PackedManifest::Cursor::Advance(absl::string_view path) {
  while (!at_end()) {
    const int order = ComparePaths(entry_.path, path);
    if (order >= 0) return order == 0;
    Next();
  }
  return false;
}

}  // namespace dist
