// Staggered logins: a server that is asked by many at once refuses some.
#ifndef DIST_TRANSPORTS_SSH_LOGINS_H_
#define DIST_TRANSPORTS_SSH_LOGINS_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "transports/stream.h"

namespace dist {

// The right to be logging in at one server, given back when it is destroyed.
class LoginTurn {
 public:
  LoginTurn() = default;
  LoginTurn(LoginTurn&& other) noexcept { std::swap(server_, other.server_); }
  LoginTurn& operator=(LoginTurn&& other) noexcept {
    std::swap(server_, other.server_);
    return *this;
  }
  ~LoginTurn();

 private:
  friend absl::StatusOr<LoginTurn> WaitForLoginTurn(const std::string& server,
                                                    const Patience& patience);
  explicit LoginTurn(std::string server) : server_(std::move(server)) {}

  std::string server_;  // "": none.
};

// How many logins of this process may be pending at one server. OpenSSH's own
// limit begins at 10, for all who connect.
constexpr int kMostLogins = 8;

// Blocks until fewer than kMostLogins are pending at `server`, first come,
// first served. Any thread.
absl::StatusOr<LoginTurn> WaitForLoginTurn(const std::string& server,
                                           const Patience& patience);

}  // namespace dist

#endif  // DIST_TRANSPORTS_SSH_LOGINS_H_
