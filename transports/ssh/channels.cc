#include "transports/ssh/channels.h"

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "transports/ssh/session.h"
#include "transports/ssh/words.h"

namespace dist {

absl::Status OpenExecChannel(ChannelLink* link, const std::string& command,
                             const std::string& where,
                             const Patience& patience) {
  ssh_session session = link->session();
  ssh_channel channel = ssh_channel_new(session);
  const auto refused = [&](const char* what) {
    return Failure(
        absl::StatusCode::kUnavailable,
        absl::StrCat(where, " refuses ", what, ": ", SessionWords(session)),
        "the account there may be restricted, or MaxSessions too small");
  };
  if (channel == nullptr) return refused("a session");
  link->Listen(channel);
  DIST_ASSIGN_OR_RETURN(int result, Drive(session, SSH_AGAIN, patience, [&] {
                          return ssh_channel_open_session(channel);
                        }));
  if (result != SSH_OK) return refused("a session");
  DIST_ASSIGN_OR_RETURN(result, Drive(session, SSH_AGAIN, patience, [&] {
                          return ssh_channel_request_exec(channel,
                                                          command.c_str());
                        }));
  if (result != SSH_OK) return refused("to run a command");
  return absl::OkStatus();
}

absl::Status OpenForwardChannel(ChannelLink* link, const SshSettings& to,
                                const std::string& where,
                                const Patience& patience) {
  ssh_session session = link->session();
  ssh_channel channel = ssh_channel_new(session);
  int result = SSH_ERROR;
  if (channel != nullptr) {
    link->Listen(channel);
    DIST_ASSIGN_OR_RETURN(result, Drive(session, SSH_AGAIN, patience, [&] {
                            return ssh_channel_open_forward(
                                channel, to.host.c_str(), to.port, "127.0.0.1",
                                0);
                          }));
  }
  if (result == SSH_OK) return absl::OkStatus();
  return Failure(absl::StatusCode::kUnavailable,
                 absl::StrCat("cannot connect to ", Where(to), " from ", where,
                              ": ", SessionWords(session)),
                 "does the jump host reach it, and AllowTcpForwarding there "
                 "permit it?");
}

}  // namespace dist
