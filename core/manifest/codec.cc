#include "core/manifest/codec.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "core/manifest/path_rules.h"

namespace dist {
namespace {

constexpr absl::string_view kMagic = "dist-tree-1\n";
constexpr size_t kMaxVarint = 10;
constexpr size_t kFront = kMagic.size() + kMaxVarint;

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

}  // namespace

ManifestEncoder::ManifestEncoder(size_t bytes) {
  out_.reserve(bytes + kFront);
  out_.assign(kFront, '\0');
}

void ManifestEncoder::Add(const Entry& entry) {
  ++count_;
  const size_t limit = std::min(previous_.size(), entry.path.size());
  size_t shared = 0;
  while (shared < limit && previous_[shared] == entry.path[shared]) ++shared;
  PutNumber(shared, &out_);
  PutNumber(entry.path.size() - shared, &out_);
  out_.append(entry.path, shared, std::string::npos);
  previous_.replace(shared, std::string::npos, entry.path, shared,
                    std::string::npos);
  out_.push_back(static_cast<char>(entry.type));
  switch (entry.type) {
    case EntryType::kFolder:
      PutNumber(entry.mode, &out_);
      break;
    case EntryType::kFile:
      PutNumber(entry.mode, &out_);
      PutNumber(entry.size, &out_);
      PutNumber(ZigZag(entry.mtime), &out_);
      out_.append(entry.digest.view().data(), Digest::kSize);
      break;
    case EntryType::kLink:
      PutNumber(entry.target.size(), &out_);
      out_.append(entry.target);
      break;
  }
}

std::string ManifestEncoder::Finish() {
  std::string front(kMagic);
  PutNumber(count_, &front);
  out_.replace(0, kFront, front);
  return std::move(out_);
}

std::string EncodeManifest(const Manifest& manifest) {
  ManifestEncoder encoder;
  for (const Entry& entry : manifest.entries) encoder.Add(entry);
  return encoder.Finish();
}

absl::StatusOr<ManifestDecoder> ManifestDecoder::Begin(
    absl::string_view bytes) {
  ManifestDecoder decoder(bytes, kMagic.size());
  if (bytes.substr(0, kMagic.size()) == kMagic) {
    decoder.count_ = decoder.Number(kMaxEntries);
    if (!decoder.failed_) return decoder;
  }
  return absl::InvalidArgumentError("malformed manifest");
}

uint64_t ManifestDecoder::Number(uint64_t max) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64 && at_ < bytes_.size(); shift += 7) {
    const auto byte = static_cast<uint8_t>(bytes_[at_++]);
    if (shift == 63 && byte > 1) break;
    value |= uint64_t{byte & 0x7fu} << shift;
    if ((byte & 0x80) != 0) continue;
    // A padded number would be a second encoding.
    if (value > max || (byte == 0 && shift > 0)) break;
    return value;
  }
  failed_ = true;
  return 0;
}

absl::string_view ManifestDecoder::Bytes(size_t size) {
  if (failed_ || size > bytes_.size() - at_) {
    failed_ = true;
    return {};
  }
  const absl::string_view taken = bytes_.substr(at_, size);
  at_ += size;
  return taken;
}

bool ManifestDecoder::Next(Entry* entry) {
  shared_ = Number(entry->path.size());
  const absl::string_view rest = Bytes(Number(kMaxPath));
  if (failed_) return false;
  entry->path.resize(shared_);
  entry->path.append(rest.data(), rest.size());
  // What an entry of its type does not have is as in a new one.
  entry->mode = Entry().mode;
  entry->size = 0;
  entry->mtime = 0;
  entry->digest = Digest();
  entry->target.clear();
  entry->type = static_cast<EntryType>(Number(2));
  switch (entry->type) {
    case EntryType::kFolder:
      entry->mode = static_cast<uint32_t>(Number(kModeMask));
      break;
    case EntryType::kFile:
      entry->mode = static_cast<uint32_t>(Number(kModeMask));
      entry->size = Number(kMaxFileSize);
      entry->mtime = UnZigZag(Number(UINT64_MAX));
      entry->digest = Digest::FromBytes(Bytes(Digest::kSize));
      break;
    case EntryType::kLink: {
      const absl::string_view target = Bytes(Number(kMaxPath));
      entry->target.assign(target.data(), target.size());
      break;
    }
  }
  return !failed_;
}

}  // namespace dist
