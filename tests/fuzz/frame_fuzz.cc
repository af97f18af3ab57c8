// Property: however a byte stream is cut, the same frames come out of it, they
// are printed as they were read, and the same error ends it.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/wire/frame.h"

namespace {

struct Read {
  std::string frames;  // As AppendFrame writes them.
  bool broken = false;
};

bool operator==(const Read& a, const Read& b) {
  return a.frames == b.frames && a.broken == b.broken;
}

void Take(dist::FrameReader* reader, Read* read) {
  dist::Frame frame;
  while (!read->broken) {
    const auto more = reader->Next(&frame);
    read->broken = !more.ok();
    if (!more.ok() || !*more) break;
    if (frame.payload.size() > dist::kMaxPayload) std::abort();
    dist::AppendFrame(frame, &read->frames);
  }
  reader->Compact();
}

Read InPieces(absl::string_view bytes, const std::vector<size_t>& cuts) {
  dist::FrameReader reader;
  Read read;
  size_t at = 0;
  for (const size_t cut : cuts) {
    reader.Feed(bytes.substr(at, cut - at));
    Take(&reader, &read);
    at = cut;
  }
  reader.Feed(bytes.substr(at));
  Take(&reader, &read);
  return read;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Read whole = InPieces(bytes, {});
  if (bytes.substr(0, whole.frames.size()) != whole.frames) std::abort();
  std::vector<size_t> every;
  for (size_t i = 1; i < size; ++i) every.push_back(i);
  if (!(InPieces(bytes, every) == whole)) std::abort();
  for (size_t i = 1; i < size && i < 64; ++i) {
    if (!(InPieces(bytes, {i}) == whole)) std::abort();
  }
  return 0;
}
