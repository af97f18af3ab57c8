// zstd, bounded: what is decompressed is never more than was announced.
#ifndef DIST_SYNC_COMPRESS_H_
#define DIST_SYNC_COMPRESS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace dist {

std::string Compress(absl::string_view bytes);

// Returns `size` bytes. Allocates them and little more, whatever `bytes` say.
// Errors: InvalidArgument unless they are exactly that many.
absl::StatusOr<std::string> Decompress(absl::string_view bytes, size_t size);

}  // namespace dist

#endif  // DIST_SYNC_COMPRESS_H_
