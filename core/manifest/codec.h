// Manifests as bytes (docs/sync.md). One manifest has one encoding, so that the
// hash of the bytes names the tree.
#ifndef DIST_CORE_MANIFEST_CODEC_H_
#define DIST_CORE_MANIFEST_CODEC_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/manifest/manifest.h"

namespace dist {

// An encoding longer than this is refused. 100,000 files are about 7 MB.
inline constexpr size_t kMaxManifestBytes = size_t{64} << 20;

// Encodes entries as they come, in their order. What is wrong with them is
// encoded as it is.
class ManifestEncoder {
 public:
  // `bytes`: about how many it will be.
  explicit ManifestEncoder(size_t bytes = 0);

  void Add(const Entry& entry);
  // All of them. To be called once.
  std::string Finish();

 private:
  std::string out_;  // Room for what goes in front, then the entries.
  std::string previous_;
  uint64_t count_ = 0;
};

std::string EncodeManifest(const Manifest& manifest);

// Takes an encoding apart, entry by entry. Believes nothing, but checks no more
// than it needs to go on; PackedManifest checks the rest.
class ManifestDecoder {
 public:
  // Reads what is in front of the entries. Errors: InvalidArgument.
  static absl::StatusOr<ManifestDecoder> Begin(absl::string_view bytes);
  // Goes on `at` bytes into an encoding, where an entry begins.
  ManifestDecoder(absl::string_view bytes, size_t at)
      : bytes_(bytes), at_(at) {}

  // Makes the next entry of `*entry`, the one before it. False if the bytes do
  // not go on as an entry.
  bool Next(Entry* entry);

  uint64_t count() const { return count_; }  // Of all entries, as it is said.
  size_t at() const { return at_; }
  // Of the last entry's path: bytes that are the same in the one before.
  size_t shared() const { return shared_; }

 private:
  uint64_t Number(uint64_t max);
  absl::string_view Bytes(size_t size);

  absl::string_view bytes_;
  size_t at_ = 0;
  uint64_t count_ = 0;
  size_t shared_ = 0;
  bool failed_ = false;
};

}  // namespace dist

#endif  // DIST_CORE_MANIFEST_CODEC_H_
