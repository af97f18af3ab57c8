// The server of `dist serve`: gives each peer that has the key a node process
// of its own.
#ifndef DIST_TRANSPORTS_SERVE_SERVER_H_
#define DIST_TRANSPORTS_SERVE_SERVER_H_

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "transports/owned_fd.h"
#include "transports/serve/door.h"
#include "transports/tls/key.h"

namespace dist {

struct ServeSettings {
  std::string version;            // Of peers; others are turned away.
  std::vector<std::string> node;  // The command of a node, with its words.
  std::vector<pid_t> spared;      // Children that are not ours.
  int max_runs = 64;              // At a time.
  bool once = false;              // Serve one run, then end.
  // Told what happens, one printable line each, on any thread.
  std::function<void(const std::string& line)> log;
};

class Server {
 public:
  // `listening`: of ListenAt.
  Server(OwnedFd listening, const ServeKey& key, ServeSettings settings);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Serves until it shall stop and no run is left. The calling process
  // becomes a subreaper: what nodes leave behind is killed.
  void Run();

  // Asked once, it lets nobody in any more and waits for the runs there are;
  // asked again, it ends these. From any thread.
  void RequestStop();

 private:
  void Receive(Admitted admitted);
  void Begin(Admitted admitted);
  void Drain();
  void JoinEnded();

  const ServeSettings settings_;
  Door door_;
  OwnedFd wake_;      // An eventfd.
  OwnedFd end_runs_;  // Likewise; once written, never read.
  bool draining_ = false;
  std::atomic<int> stops_{0};
  std::map<uint64_t, std::thread> runs_;  // Each on a thread of its own.
  uint64_t last_run_ = 0;
  std::mutex mutex_;
  std::vector<uint64_t> ended_;  // Of runs_. Guarded by mutex_.
};

}  // namespace dist

#endif  // DIST_TRANSPORTS_SERVE_SERVER_H_
