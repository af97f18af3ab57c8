// Manifests as bytes (docs/sync.md). One manifest has one encoding, so that the
// hash of the bytes names the tree.
#ifndef DIST_CORE_MANIFEST_CODEC_H_
#define DIST_CORE_MANIFEST_CODEC_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/manifest/manifest.h"

namespace dist {

// An encoding longer than this is refused. 100,000 files are about 6 MB.
inline constexpr size_t kMaxManifestBytes = size_t{64} << 20;

// REQUIRES: CheckManifest(manifest).ok().
std::string EncodeManifest(const Manifest& manifest);

// All of `bytes`. Allocates no more than a small multiple of the paths that
// they stand for. Errors: InvalidArgument for all that EncodeManifest could not
// have written.
absl::StatusOr<Manifest> DecodeManifest(absl::string_view bytes);

}  // namespace dist

#endif  // DIST_CORE_MANIFEST_CODEC_H_
