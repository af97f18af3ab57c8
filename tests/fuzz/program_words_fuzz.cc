// Property: whatever ssh, or the server through it, wrote to stderr, the user
// sees a cause on one line and a help line, without control characters.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "transports/ssh/program_words.h"

namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

bool IsHarmless(absl::string_view line) {
  return std::none_of(line.begin(), line.end(),
                      [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view words(reinterpret_cast<const char*>(data), size);
  dist::SshAddress address;
  address.host = "build1";
  const std::string shown = dist::ShownHostKey(words);
  Check(IsHarmless(shown));
  const absl::Status status = dist::ProgramFailure(address, words, shown);
  Check(!status.ok());
  const absl::string_view text = status.message();
  const size_t help = text.find("\nhelp: ");
  Check(help != 0 && help != text.npos);
  Check(IsHarmless(text.substr(0, help)) && IsHarmless(text.substr(help + 1)));
  return 0;
}
