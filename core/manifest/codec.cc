#include "core/manifest/codec.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "core/base/status_macros.h"
#include "core/manifest/path_rules.h"

namespace dist {
namespace {

constexpr absl::string_view kMagic = "dist-tree-1\n";
// Paths share prefixes, so that short bytes can stand for long paths: what they
// stand for is bounded as well.
constexpr size_t kMaxPathBytes = size_t{128} << 20;

absl::Status Malformed() {
  return absl::InvalidArgumentError("malformed manifest");
}

void PutNumber(uint64_t value, std::string* out) {
  while (value >= 0x80) {
    out->push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out->push_back(static_cast<char>(value));
}

uint64_t ZigZag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^
         static_cast<uint64_t>(value >> 63);
}

int64_t UnZigZag(uint64_t value) {
  return static_cast<int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

void PutEntry(const Entry& entry, absl::string_view previous,
              std::string* out) {
  const size_t limit = std::min(previous.size(), entry.path.size());
  size_t shared = 0;
  while (shared < limit && previous[shared] == entry.path[shared]) ++shared;
  PutNumber(shared, out);
  PutNumber(entry.path.size() - shared, out);
  out->append(entry.path, shared, std::string::npos);
  out->push_back(static_cast<char>(entry.type));
  switch (entry.type) {
    case EntryType::kFolder:
      PutNumber(entry.mode, out);
      break;
    case EntryType::kFile:
      PutNumber(entry.mode, out);
      PutNumber(entry.size, out);
      PutNumber(ZigZag(entry.mtime), out);
      out->append(entry.digest.view().data(), Digest::kSize);
      break;
    case EntryType::kLink:
      PutNumber(entry.target.size(), out);
      out->append(entry.target);
      break;
  }
}

// Takes values from the front of bytes; after a failure all are empty.
class Reader {
 public:
  explicit Reader(absl::string_view bytes) : bytes_(bytes) {}

  uint64_t Number(uint64_t max) {
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && !bytes_.empty(); shift += 7) {
      const auto byte = static_cast<uint8_t>(bytes_.front());
      bytes_.remove_prefix(1);
      if (shift == 63 && byte > 1) break;
      value |= uint64_t{byte & 0x7fu} << shift;
      if ((byte & 0x80) != 0) continue;
      // A padded number would be a second encoding.
      if (value > max || (byte == 0 && shift > 0)) break;
      return value;
    }
    Fail();
    return 0;
  }

  absl::string_view Bytes(size_t size) {
    if (size > bytes_.size()) {
      Fail();
      return {};
    }
    const absl::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }

  void Fail() {
    failed_ = true;
    bytes_ = {};
  }

  bool failed() const { return failed_; }
  bool at_end() const { return bytes_.empty(); }
  size_t left() const { return bytes_.size(); }

 private:
  absl::string_view bytes_;
  bool failed_ = false;
};

void GetEntry(absl::string_view previous, Reader* in, Entry* entry) {
  const size_t shared = in->Number(previous.size());
  const absl::string_view rest = in->Bytes(in->Number(kMaxPath));
  entry->path.assign(previous.data(), shared);
  entry->path.append(rest.data(), rest.size());
  // The longest prefix that is shared, or it would be another encoding.
  if (shared < previous.size() && !rest.empty() &&
      previous[shared] == rest[0]) {
    in->Fail();
  }
  entry->type = static_cast<EntryType>(in->Number(2));
  switch (entry->type) {
    case EntryType::kFolder:
      entry->mode = static_cast<uint32_t>(in->Number(kModeMask));
      break;
    case EntryType::kFile:
      entry->mode = static_cast<uint32_t>(in->Number(kModeMask));
      entry->size = in->Number(kMaxFileSize);
      entry->mtime = UnZigZag(in->Number(UINT64_MAX));
      entry->digest = Digest::FromBytes(in->Bytes(Digest::kSize));
      break;
    case EntryType::kLink:
      entry->target = std::string(in->Bytes(in->Number(kMaxPath)));
      break;
  }
}

}  // namespace

std::string EncodeManifest(const Manifest& manifest) {
  std::string out(kMagic);
  PutNumber(manifest.entries.size(), &out);
  absl::string_view previous;
  for (const Entry& entry : manifest.entries) {
    PutEntry(entry, previous, &out);
    previous = entry.path;
  }
  return out;
}

absl::StatusOr<Manifest> DecodeManifest(absl::string_view bytes) {
  if (bytes.size() > kMaxManifestBytes ||
      bytes.substr(0, kMagic.size()) != kMagic) {
    return Malformed();
  }
  Reader in(bytes.substr(kMagic.size()));
  const uint64_t count = in.Number(kMaxEntries);
  Manifest manifest;
  size_t path_bytes = 0;
  absl::string_view previous;
  for (uint64_t i = 0; i < count && !in.failed(); ++i) {
    // An entry takes four bytes at least.
    if (i == 0)
      manifest.entries.reserve(std::min<size_t>(count, in.left() / 4));
    Entry entry;
    // Links carry the default mode; there is nothing to send of it.
    GetEntry(previous, &in, &entry);
    path_bytes += entry.path.size();
    if (path_bytes > kMaxPathBytes) return Malformed();
    manifest.entries.push_back(std::move(entry));
    previous = manifest.entries.back().path;
  }
  if (in.failed() || !in.at_end()) return Malformed();
  DIST_RETURN_IF_ERROR(CheckManifest(manifest));
  return manifest;
}

}  // namespace dist
