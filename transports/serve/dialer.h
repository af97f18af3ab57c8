// `dist serve --dial`: a host that offers itself to a coordinator, for where
// nobody can connect to it.
#ifndef DIST_TRANSPORTS_SERVE_DIALER_H_
#define DIST_TRANSPORTS_SERVE_DIALER_H_

#include <atomic>
#include <string>

#include "absl/status/statusor.h"
#include "transports/owned_fd.h"
#include "transports/serve/caller.h"
#include "transports/serve/server.h"
#include "transports/tls/key.h"
#include "transports/tls/session.h"

namespace dist {

class Dialer {
 public:
  // `host`: what the coordinator shall call this host. `settings.max_runs` has
  // no meaning here: it serves one run at a time.
  Dialer(Callee coordinator, const ServeKey& key, std::string host,
         ServeSettings settings);
  Dialer(const Dialer&) = delete;
  Dialer& operator=(const Dialer&) = delete;

  // Offers the host, again and again, and serves what comes, until it shall
  // stop and no run is left. Why it cannot is logged, once for each reason in a
  // row, in lines as errors have them. The calling process becomes a subreaper.
  void Run();

  // As Server::RequestStop.
  void RequestStop();

 private:
  absl::StatusOr<TlsSession> Offer();
  absl::Status AwaitRun(TlsSession* tls);
  void Serve(TlsSession tls);
  void Say(const std::string& line);

  const Callee coordinator_;
  const ServeKey key_;
  const std::string host_;
  const ServeSettings settings_;
  OwnedFd stop_;      // An eventfd: ends waiting, but no run.
  OwnedFd end_runs_;  // Likewise; ends the run.
  std::atomic<int> stops_{0};
  std::atomic<bool> runs_{false};
  std::string said_;  // The last line of the log.
};

}  // namespace dist

#endif  // DIST_TRANSPORTS_SERVE_DIALER_H_
