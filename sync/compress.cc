#include "sync/compress.h"

#include <zstd.h>

#include <memory>

namespace dist {
namespace {

// Fast enough for a link of a gigabit; a higher level saves few bytes of
// source text for twice the time.
constexpr int kLevel = 1;

// Contexts cost more to make than a small block to code.
ZSTD_CCtx* Compressor() {
  thread_local const std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> context(
      ZSTD_createCCtx(), ZSTD_freeCCtx);
  return context.get();
}

ZSTD_DCtx* Decompressor() {
  thread_local const std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context(
      ZSTD_createDCtx(), ZSTD_freeDCtx);
  return context.get();
}

}  // namespace

std::string Compress(absl::string_view bytes) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  const size_t size = ZSTD_compressCCtx(Compressor(), &out[0], out.size(),
                                        bytes.data(), bytes.size(), kLevel);
  // It fails for want of memory only.
  if (ZSTD_isError(size)) return "";
  out.resize(size);
  return out;
}

absl::StatusOr<std::string> Decompress(absl::string_view bytes, size_t size) {
  std::string out(size, '\0');
  const size_t got = ZSTD_decompressDCtx(Decompressor(), &out[0], size,
                                         bytes.data(), bytes.size());
  if (ZSTD_isError(got) || got != size) {
    return absl::InvalidArgumentError("compressed bytes are not what they say");
  }
  return out;
}

}  // namespace dist
