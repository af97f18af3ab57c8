// Properties of what `dist serve` and its clients read before a link: judging
// an opening agrees with itself however it is cut, nothing longer than its
// limit is whole; what a line is read as can be written and read again, and is
// harmless to print; keys are 32 bytes.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/string_view.h"
#include "core/base/text.h"
#include "transports/serve/greeting.h"
#include "transports/serve/opening.h"
#include "transports/tls/key.h"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

void JudgeOpenings(absl::string_view bytes) {
  bool foreign = false;
  for (size_t size = 0; size <= bytes.size() && size < 2000; ++size) {
    const dist::Opening judged = dist::JudgeOpening(bytes.substr(0, size));
    // More of it makes nothing better.
    Require(!foreign || judged == dist::Opening::kForeign);
    foreign = judged == dist::Opening::kForeign;
    if (judged == dist::Opening::kWhole) {
      Require(size > 9 && size <= dist::kMaxOpening);
      const auto at = [&](size_t i) -> size_t {
        return static_cast<unsigned char>(bytes[i]);
      };
      Require(size == 5 + (at(3) << 8 | at(4)));
      foreign = true;  // A byte more is too much.
    }
  }
}

void ReadLines(absl::string_view bytes) {
  const absl::string_view line = bytes.substr(0, bytes.find('\n'));
  const auto request = dist::ParseServeRequest(line);
  if (request.ok()) {
    Require(dist::Printable(request->version) == request->version);
    Require(dist::Printable(request->host) == request->host);
    Require(request->host.find('/') == std::string::npos);
    Require(dist::Format(*request) == std::string(line) + "\n");
  }
  const auto reply = dist::ParseServeReply(line);
  if (!reply.ok()) return;
  Require(dist::Printable(reply->text) == reply->text);
  const std::string again = dist::Format(*reply);
  Require(again.size() <= dist::kMaxGreeting && again.back() == '\n');
  const auto same = dist::ParseServeReply(again.substr(0, again.size() - 1));
  Require(same.ok() && same->kind == reply->kind);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  JudgeOpenings(bytes);
  ReadLines(bytes);
  const auto key = dist::ParseServeKey(bytes);
  if (key.ok()) Require(key->secret().size() == dist::ServeKey::kBytes);
  return 0;
}
