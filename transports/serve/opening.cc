#include "transports/serve/opening.h"

#include <cstdint>

namespace dist {
namespace {

constexpr size_t kRecordHeader = 5;   // Type, version, length.
constexpr size_t kMessageHeader = 4;  // Type, length.
constexpr unsigned char kHandshakeRecord = 22;
constexpr unsigned char kClientHello = 1;

}  // namespace

Opening JudgeOpening(absl::string_view bytes) {
  const auto at = [&](size_t i) -> size_t {
    return static_cast<unsigned char>(bytes[i]);
  };
  if (bytes.size() > kMaxOpening) return Opening::kForeign;
  if (bytes.size() > 0 && at(0) != kHandshakeRecord) return Opening::kForeign;
  // 3.1 or 3.3: TLS 1.3 is said elsewhere.
  if (bytes.size() > 1 && at(1) != 3) return Opening::kForeign;
  if (bytes.size() > 2 && at(2) != 1 && at(2) != 3) return Opening::kForeign;
  if (bytes.size() < kRecordHeader) return Opening::kPartial;
  const size_t record = at(3) << 8 | at(4);
  if (record <= kMessageHeader || record > kMaxOpening - kRecordHeader) {
    return Opening::kForeign;
  }
  if (bytes.size() > kRecordHeader && at(5) != kClientHello) {
    return Opening::kForeign;
  }
  if (bytes.size() < kRecordHeader + kMessageHeader) return Opening::kPartial;
  const size_t message = at(6) << 16 | at(7) << 8 | at(8);
  if (message != record - kMessageHeader) return Opening::kForeign;
  if (bytes.size() < kRecordHeader + record) return Opening::kPartial;
  return bytes.size() == kRecordHeader + record ? Opening::kWhole
                                                : Opening::kForeign;
}

}  // namespace dist
