#include "transports/ssh/auth.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status_macros.h"
#include "transports/ssh/agent.h"
#include "transports/ssh/effective.h"
#include "transports/ssh/key_files.h"
#include "transports/ssh/session.h"
#include "transports/ssh/words.h"
#include "transports/wait.h"

namespace dist {
namespace {

constexpr absl::Duration kLoginLimit = absl::Seconds(20);
constexpr absl::Duration kAgentLimit = absl::Seconds(10);

std::string Methods(int methods) {
  std::vector<std::string> names;
  const auto add = [&](int bit, const char* name) {
    if ((methods & bit) != 0) names.push_back(name);
  };
  add(SSH_AUTH_METHOD_PUBLICKEY, "publickey");
  add(SSH_AUTH_METHOD_PASSWORD, "password");
  add(SSH_AUTH_METHOD_INTERACTIVE, "keyboard-interactive");
  add(SSH_AUTH_METHOD_HOSTBASED, "hostbased");
  add(SSH_AUTH_METHOD_GSSAPI_MIC, "gssapi");
  return absl::StrJoin(names, ", ");
}

class Login {
 public:
  Login(ssh_session session, const SshSettings& settings,
        const Patience& patience)
      : session_(session), settings_(settings), patience_(patience) {}

  absl::Status Run() {
    for (const std::string& path : IdentityFiles(settings_)) {
      files_.push_back(ExamineKeyFile(path));
    }
    // Others may be missing, as ssh's default ones; but -i names one.
    for (const std::string& named : settings_.address.identities) {
      const std::string path = Expand(settings_, named).value_or(named);
      // Of a key in the agent there may be the public part only.
      if (!HasFile(path) && access(path.c_str(), F_OK) != 0) {
        tried_.push_back(
            absl::StrCat(ForeignWords(path), " (", strerror(errno), ")"));
      }
    }
    if (settings_.public_keys) {
      DIST_RETURN_IF_ERROR(TryAgent());
      if (!done_) DIST_RETURN_IF_ERROR(TryFiles());
    }
    // Says what the server would accept; some servers want nothing else.
    if (!done_ && !asked_) {
      DIST_RETURN_IF_ERROR(
          Take(Call([&] { return ssh_userauth_none(session_, nullptr); })));
    }
    return done_ ? absl::OkStatus() : Denied();
  }

 private:
  bool HasFile(const std::string& path) const {
    return std::any_of(files_.begin(), files_.end(),
                       [&](const KeyFile& file) { return file.path == path; });
  }

  absl::StatusOr<int> Call(const std::function<int()>& call) {
    return Drive(session_, SSH_AUTH_AGAIN, AtMost(kLoginLimit, patience_),
                 call);
  }

  // Notes what an attempt has come to. Not OK: there is no use in another.
  absl::Status Take(const absl::StatusOr<int>& result) {
    if (absl::IsDeadlineExceeded(result.status())) {
      return Failure(absl::StatusCode::kDeadlineExceeded,
                     absl::StrCat("login at ", Where(settings_), " timed out"),
                     absl::StrCat("try ", SshCommandFor(settings_.address)));
    }
    DIST_RETURN_IF_ERROR(result.status());
    asked_ = true;
    if (*result == SSH_AUTH_SUCCESS) done_ = true;
    if (*result == SSH_AUTH_PARTIAL) {
      return Failure(
          absl::StatusCode::kUnauthenticated,
          absl::StrCat(Where(settings_), " accepts the key, but wants more: ",
                       Methods(ssh_userauth_list(session_, nullptr))),
          "use an account there that needs a key only, or exec= with a command "
          "of your own");
    }
    if (*result == SSH_AUTH_ERROR) {
      // The agent may have refused, or the server may have hung up.
      if (ssh_is_connected(session_) == 0) return Denied();
    }
    return absl::OkStatus();
  }

  // The keys the agent has, in the order to try them.
  std::vector<AgentKey> AgentKeys(std::vector<AgentKey> all) {
    std::vector<AgentKey> ordered;
    for (const KeyFile& file : files_) {
      const auto found =
          std::find_if(all.begin(), all.end(), [&](const AgentKey& key) {
            return !file.public_key.empty() && key.blob == file.public_key;
          });
      if (found == all.end()) continue;
      ordered.push_back(std::move(*found));
      all.erase(found);
    }
    if (!settings_.identities_only) {
      for (AgentKey& key : all) ordered.push_back(std::move(key));
    }
    return ordered;
  }

  absl::Status TryAgent() {
    const std::string path = AgentPath(settings_);
    if (path.empty()) return absl::OkStatus();
    auto all = ListAgentKeys(path, AtMost(kAgentLimit, patience_));
    DIST_RETURN_IF_ERROR(CheckPatience(patience_));
    if (!all.ok()) {
      tried_.push_back(ForeignWords(all.status().message()));
      return absl::OkStatus();
    }
    std::vector<AgentKey> keys = AgentKeys(*std::move(all));
    // At one that it does not understand, as a certificate, libssh would stop.
    keys.erase(std::remove_if(keys.begin(), keys.end(),
                              [](const AgentKey& key) {
                                return ImportPublicKey(key.blob) == nullptr;
                              }),
               keys.end());
    if (keys.empty()) return absl::OkStatus();
    for (const AgentKey& key : keys) {
      from_agent_.push_back(key.blob);
      tried_.push_back(absl::StrCat("the agent's ",
                                    ForeignWords(KeyType(key.blob)), " ",
                                    ForeignWords(key.comment)));
    }
    const auto relay = AgentRelay::Start(path, keys, patience_);
    if (!relay.ok()) return CheckPatience(patience_);
    ssh_set_agent_socket(session_, (*relay)->TakeClient());
    return Take(Call([&] { return ssh_userauth_agent(session_, nullptr); }));
  }

  absl::Status TryFiles() {
    for (const KeyFile& file : files_) {
      const bool seen = !file.public_key.empty() &&
                        std::find(from_agent_.begin(), from_agent_.end(),
                                  file.public_key) != from_agent_.end();
      if (seen || done_) continue;
      if (!file.unusable.empty()) {
        tried_.push_back(
            absl::StrCat(ForeignWords(file.path), " (", file.unusable, ")"));
      } else if (file.is_private) {
        DIST_RETURN_IF_ERROR(TryFile(file));
      }
    }
    return absl::OkStatus();
  }

  absl::Status TryFile(const KeyFile& file) {
    const std::string path = ForeignWords(file.path);
    if (file.encrypted && !file.public_key.empty()) {
      // Nobody is asked for a passphrase that is of no use.
      const SshKey offer = ImportPublicKey(file.public_key);
      if (offer == nullptr) return absl::OkStatus();
      const auto result = Call([&] {
        return ssh_userauth_try_publickey(session_, nullptr, offer.get());
      });
      if (!result.ok() || *result != SSH_AUTH_SUCCESS) {
        tried_.push_back(path);
        return Take(result);
      }
    }
    const auto key = LoadPrivateKey(
        file, settings_.batch ? 0 : settings_.passphrase_prompts, patience_);
    DIST_RETURN_IF_ERROR(CheckPatience(patience_));
    if (!key.ok()) {
      tried_.push_back(absl::StrCat(path, " (", key.status().message(), ")"));
      return absl::OkStatus();
    }
    tried_.push_back(path);
    // Signed at once: asking first whether the key is welcome would cost a
    // round trip.
    return Take(Call(
        [&] { return ssh_userauth_publickey(session_, nullptr, key->get()); }));
  }

  absl::Status Denied() {
    std::string cause = absl::StrCat(Where(settings_), " does not let ",
                                     ForeignWords(settings_.user), " in; ");
    absl::StrAppend(&cause,
                    tried_.empty()
                        ? "there is no key to try"
                        : absl::StrCat("tried ", absl::StrJoin(tried_, ", ")));
    if (ssh_is_connected(session_) == 0) {
      absl::StrAppend(&cause, "; it says: ", SessionWords(session_));
    } else if (const std::string methods =
                   Methods(ssh_userauth_list(session_, nullptr));
               !methods.empty()) {
      absl::StrAppend(&cause, "; it accepts ", methods);
    }
    char* banner = ssh_get_issue_banner(session_);
    if (banner != nullptr) {
      absl::StrAppend(&cause, "; its banner: ", ForeignWords(banner));
      ssh_string_free_char(banner);
    }
    return Failure(absl::StatusCode::kUnauthenticated, cause,
                   tried_.size() > 5
                       ? "too many keys were tried: name one with -i and set "
                         "IdentitiesOnly yes in ~/.ssh/config"
                       : absl::StrCat("ssh-copy-id installs a key there, -i "
                                      "chooses one; try ",
                                      SshCommandFor(settings_.address)));
  }

  ssh_session const session_;
  const SshSettings& settings_;
  const Patience& patience_;
  std::vector<KeyFile> files_;
  std::vector<KeyBlob> from_agent_;  // Tried already.
  std::vector<std::string> tried_;   // For people.
  bool asked_ = false;               // The server has answered something.
  bool done_ = false;
};

}  // namespace

absl::Status Authenticate(ssh_session session, const SshSettings& settings,
                          const Patience& patience) {
  return Login(session, settings, patience).Run();
}

}  // namespace dist
