// Property: whatever a test process writes to its control channel, the decoder
// survives it, says the same however the stream is cut, and says no more than
// it was told.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/framework/pytest_records.h"
#include "core/wire/codec.h"

namespace {

struct Said {
  std::vector<std::string> events;
  bool broken = false;
  size_t size = 0;
};

// Steps that came together are told together; that is no difference.
void Add(const dist::NodeEvent& event, Said* said) {
  const auto* tests = std::get_if<dist::TestsReported>(&event);
  if (tests == nullptr) {
    said->events.push_back(dist::Encode(event));
    said->size += said->events.back().size();
    return;
  }
  for (const dist::TestStep& step : tests->steps) {
    said->events.push_back(dist::Encode(step));
    said->size += said->events.back().size();
  }
}

Said InPieces(absl::string_view bytes, size_t piece) {
  dist::PytestDecoder decoder{dist::WorkerId(1)};
  Said said;
  for (size_t at = 0; at < bytes.size() && !said.broken; at += piece) {
    std::vector<dist::NodeEvent> events;
    said.broken = !decoder.Decode(bytes.substr(at, piece), &events).ok();
    for (const dist::NodeEvent& event : events) Add(event, &said);
  }
  return said;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Said whole = InPieces(bytes, size + 1);
  // A record of a few bytes becomes a report of some forty empty fields.
  if (whole.size > 64 * (size + 1)) std::abort();
  for (const size_t piece : {size_t{1}, size_t{7}}) {
    const Said cut = InPieces(bytes, piece);
    if (cut.events != whole.events || cut.broken != whole.broken) std::abort();
  }
  return 0;
}
