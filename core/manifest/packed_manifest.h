// A manifest as it is kept: its encoding, and an index of every 16th path. A
// file takes some 75 bytes, half of them its hash, where an Entry and its path
// take 200.
#ifndef DIST_CORE_MANIFEST_PACKED_MANIFEST_H_
#define DIST_CORE_MANIFEST_PACKED_MANIFEST_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/manifest/codec.h"
#include "core/manifest/manifest.h"

namespace dist {

// Immutable but for moves; may be used by several threads.
class PackedManifest {
 public:
  // Walks the entries in order. Going on costs little, going elsewhere the
  // decoding of up to 16 entries. The manifest must outlive it, and not move.
  class Cursor {
   public:
    explicit Cursor(const PackedManifest& manifest) : Cursor(manifest, 0) {}
    Cursor(const PackedManifest& manifest, uint32_t position);

    bool at_end() const { return position_ >= manifest_->size(); }
    uint32_t position() const { return position_; }
    const Entry& entry() const { return entry_; }  // REQUIRES: !at_end().

    void Next();
    // To `position`, or the end if there is no such entry.
    void Seek(uint32_t position);
    // On to the first path that is not before `path`; true if it is `path`.
    // REQUIRES: no later one was sought.
    bool Advance(absl::string_view path);

   private:
    const PackedManifest* manifest_;
    ManifestDecoder decoder_;
    uint32_t position_ = 0;
    Entry entry_;
  };

  // For range-based loops.
  class Iterator {
   public:
    Iterator(const PackedManifest& manifest, uint32_t position)
        : cursor_(manifest, position) {}
    const Entry& operator*() const { return cursor_.entry(); }
    Iterator& operator++() {
      cursor_.Next();
      return *this;
    }
    bool operator!=(const Iterator& other) const {
      return cursor_.position() != other.cursor_.position();
    }

   private:
    Cursor cursor_;
  };

  PackedManifest() : PackedManifest(EncodeManifest(Manifest())) {}

  // All of `bytes`. Allocates no more than a small multiple of them. Errors:
  // InvalidArgument for all that EncodeManifest() could not have made of a
  // manifest that passes CheckManifest().
  static absl::StatusOr<PackedManifest> Parse(std::string bytes);

  const std::string& bytes() const { return bytes_; }
  uint32_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  Entry At(uint32_t position) const { return Cursor(*this, position).entry(); }
  // The position of the entry at `path`, if there is one.
  std::optional<uint32_t> Find(absl::string_view path) const;

  Iterator begin() const { return Iterator(*this, 0); }
  Iterator end() const { return Iterator(*this, size_); }

 private:
  static constexpr uint32_t kStep = 16;

  // Where an entry begins, in bytes_, and where its path ends, in paths_.
  struct Mark {
    uint32_t at = 0;
    uint32_t path_end = 0;
  };

  explicit PackedManifest(std::string bytes) : bytes_(std::move(bytes)) {}
  absl::string_view MarkedPath(size_t mark) const;

  std::string bytes_;
  uint32_t size_ = 0;
  std::vector<Mark> marks_;  // Of every kStep-th entry.
  std::string paths_;        // Of these, end to end.
};

}  // namespace dist

#endif  // DIST_CORE_MANIFEST_PACKED_MANIFEST_H_
