// Property: a history that parses is printed to bytes that parse to the same.
// What the checksum protects is parsed without it as well, else no mutation
// would get past it.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "core/history/history_file.h"

namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

constexpr size_t kHead = 15 + 8;  // "dist history 1\n" and the checksum.

void CheckRoundTrip(const dist::History& history) {
  const std::string bytes = dist::FormatHistory(history);
  const auto again = dist::ParseHistory(bytes);
  Check(again.ok());
  Check(again->runs == history.runs && again->hosts == history.hosts);
  Check(again->tests == history.tests);
  Check(dist::FormatHistory(*again) == bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto history = dist::ParseHistory(text);
  if (history.ok()) CheckRoundTrip(*history);
  if (size < kHead) return 0;
  const auto body = dist::ParseHistoryBody(text.substr(kHead));
  if (body.ok()) CheckRoundTrip(*body);
  return 0;
}
