// Property: what `ssh -G` may print is read without harm, and what comes out
// can be used: a port is a port, a jump host is safe on a command line.
#include <cstdint>
#include <cstdlib>

#include "absl/strings/string_view.h"
#include "transports/ssh/settings.h"
#include "transports/ssh/words.h"

namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

const char* Variable(const char* name) { return *name == 'V' ? "v" : nullptr; }

void CheckJump(absl::string_view text) {
  const auto jump = dist::ParseSshJump(text);
  if (!jump.ok()) return;
  Check(!jump->host.empty() && jump->host[0] != '-');
  Check(jump->host.find_first_of("'`\"$\\;&<>|(){} \n") == std::string::npos);
  Check(jump->user.empty() || jump->user[0] != '-');
  Check(jump->port >= 0 && jump->port <= 65535);
  Check(jump->before.size() < text.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  dist::SshTokens tokens;
  tokens.home = "/h";
  tokens.local_host = "l";
  (void)dist::ExpandSshTokens(text, tokens, Variable);
  CheckJump(text);
  for (const char c : dist::ForeignWords(text)) {
    Check(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  }
  const auto settings = dist::ParseSshSettings(text, "ciphers a\n");
  if (!settings.ok()) return 0;
  Check(settings->port >= 1 && settings->port <= 65535);
  Check(!settings->host.empty() && !settings->user.empty());
  Check(settings->connect_timeout >= 0);
  CheckJump(settings->proxy_jump);
  return 0;
}
