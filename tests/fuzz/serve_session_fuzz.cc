// Property: whatever a peer sends, a session on either side neither breaks nor
// believes that the peer has the key, which was never used to make the bytes.
#include <sys/socket.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>

#include "transports/tls/key.h"
#include "transports/tls/session.h"
#include "transports/wait.h"

namespace {

using dist::OwnedFd;
using dist::TlsSession;

void Feed(TlsSession::Side side, const std::string& bytes, bool ahead) {
  OwnedFd ours, theirs;
  if (!dist::MakeSocketPair(&ours, &theirs).ok()) std::abort();
  dist::SetNonBlocking(ours.get());
  const dist::ServeKey key(std::string(dist::ServeKey::kBytes, '\x5a'));
  if (!ahead) {
    (void)!send(theirs.get(), bytes.data(), bytes.size(),
                MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  TlsSession session(side, std::move(ours), key, ahead ? bytes : "");
  for (int i = 0; i < 4; ++i) {
    const auto want = session.Shake();
    if (!want.ok()) return;
    if (*want == TlsSession::Want::kNothing) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto side = (data[0] & 1) != 0 ? TlsSession::Side::kServer
                                       : TlsSession::Side::kClient;
  Feed(side, bytes, (data[0] & 2) != 0);
  return 0;
}
