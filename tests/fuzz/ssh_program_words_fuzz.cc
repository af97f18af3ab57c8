// Property: whatever the ssh program says makes one line of cause and one of
// help, for people, without control characters.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/string_view.h"
#include "transports/ssh/program_words.h"

namespace {

void CheckHarmless(absl::string_view line) {
  for (const char c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string shown = dist::ShownHostKey(bytes);
  CheckHarmless(shown);
  dist::SshAddress address;
  address.host = "host";
  const absl::Status status = dist::ProgramFailure(address, bytes, shown);
  if (status.ok()) std::abort();
  if (dist::MissesHostKey(bytes) && !absl::IsPermissionDenied(status)) {
    std::abort();
  }
  const absl::string_view message = status.message();
  const size_t end = message.find("\nhelp: ");
  if (end == message.npos) std::abort();
  CheckHarmless(message.substr(0, end));
  CheckHarmless(message.substr(end + 1));
  return 0;
}
