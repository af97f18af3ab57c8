// The user's ssh-agent: its keys, and signatures by some of them.
#ifndef DIST_TRANSPORTS_SSH_AGENT_H_
#define DIST_TRANSPORTS_SSH_AGENT_H_

#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "transports/owned_fd.h"
#include "transports/ssh/key_text.h"
#include "transports/ssh/settings.h"
#include "transports/stream.h"

namespace dist {

// The agent's socket: IdentityAgent, else SSH_AUTH_SOCK; "" if there is none.
std::string AgentPath(const SshSettings& settings);

// The agent's keys in its order. Blocks. Errors: one line.
absl::StatusOr<std::vector<AgentKey>> ListAgentKeys(const std::string& path,
                                                    const Patience& patience);

// An agent that has only some of the keys of the real one, in a given order.
//
// libssh tries every key of an agent, and waits for its answers without end.
// Through this it sees only the keys it should try, and its wait ends when the
// caller's patience does.
class AgentRelay {
 public:
  // Serves `keys` of the agent at `path`.
  static absl::StatusOr<std::unique_ptr<AgentRelay>> Start(
      const std::string& path, std::vector<AgentKey> keys,
      const Patience& patience);
  ~AgentRelay();

  // The client's end, once; the caller owns it.
  int TakeClient() { return client_.Release(); }

 private:
  AgentRelay() = default;
  void Serve();
  absl::Status ServeOne();

  std::vector<AgentKey> keys_;
  OwnedFd agent_;  // The real one.
  OwnedFd ours_;   // Our end of the client's socket.
  OwnedFd client_;
  OwnedFd stop_;    // eventfd
  OwnedFd either_;  // epoll: stop_, or the caller's cancel_fd.
  Patience patience_;
  std::thread thread_;
};

}  // namespace dist

#endif  // DIST_TRANSPORTS_SSH_AGENT_H_
