#include "transports/ssh/ssh.h"

#include <libssh/libssh.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status_macros.h"
#include "transports/ssh/auth.h"
#include "transports/ssh/carried_link.h"
#include "transports/ssh/channel_link.h"
#include "transports/ssh/channels.h"
#include "transports/ssh/dial.h"
#include "transports/ssh/effective.h"
#include "transports/ssh/logins.h"
#include "transports/ssh/program.h"
#include "transports/ssh/pump.h"
#include "transports/ssh/session.h"
#include "transports/ssh/settings.h"
#include "transports/ssh/words.h"
#include "transports/wait.h"

namespace dist {
namespace {

constexpr size_t kMostHops = 8;
// A server that turned us away is asked again after 0.1 s, then twice as long
// each time up to 2 s, give or take a half; for half a minute in all.
constexpr absl::Duration kFirstPause = absl::Milliseconds(100);
constexpr absl::Duration kLongestPause = absl::Seconds(2);
constexpr int kMostAttempts = 20;
constexpr int kAttemptsInSilence = 5;  // In 1.5 s.

struct Hop {
  SshAddress address;
  SshSettings settings;
};
using Route = std::vector<Hop>;  // The first is the one we connect to.

// Adds the way to `address`, and it, to `route`.
absl::Status AddHops(const SshAddress& address, size_t depth,
                     const Patience& patience, Route* route) {
  Hop hop;
  hop.address = address;
  DIST_ASSIGN_OR_RETURN(hop.settings, LoadSshSettings(address, patience));
  const std::string& jumps = hop.settings.proxy_jump;
  if (!jumps.empty()) {
    if (depth >= kMostHops) {
      return Failure(absl::StatusCode::kInvalidArgument,
                     absl::StrCat("more than ", kMostHops,
                                  " jump hosts on the way to ", address.host),
                     "does a ProxyJump in ~/.ssh/config lead to itself?");
    }
    DIST_ASSIGN_OR_RETURN(const SshJump jump, ParseSshJump(jumps));
    // As with `ssh -J`, a jump host gets the configuration file, but neither
    // -i nor -o.
    SshAddress before;
    before.host = jump.host;
    before.user = jump.user;
    if (jump.port > 0) before.port = jump.port;
    before.jump = jump.before;
    before.config_file = address.config_file;
    DIST_RETURN_IF_ERROR(AddHops(before, depth + 1, patience, route));
  }
  route->push_back(std::move(hop));
  return absl::OkStatus();
}

void NoteOnce(const SshOptions& options, const std::string& line) {
  static auto* mutex = new std::mutex;
  static auto* said = new std::set<std::string>;
  if (!options.note) return;
  {
    const std::lock_guard<std::mutex> lock(*mutex);
    if (!said->insert(line).second) return;
  }
  options.note(line);
}

// What a ProxyCommand said before it failed.
std::string ReadWords(int fd) {
  std::string words(4096, '\0');
  const ssize_t n = fd < 0 ? 0 : read(fd, &words[0], words.size());
  words.resize(std::max<ssize_t>(n, 0));
  return words;
}

// The local process at the beginning of a route, if there is one. Ended and
// reaped unless the stream takes it over.
struct ProxyChild {
  pid_t pid = -1;

  ~ProxyChild() {
    if (pid <= 0) return;
    kill(-pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }
};

class Connector {
 public:
  Connector(const Route& route, const Patience& patience)
      : route_(route), patience_(patience) {}

  absl::StatusOr<Stream> Connect(absl::string_view command) {
    std::unique_ptr<ChannelLink> link;
    OwnedFd fd;
    for (size_t i = 0; i < route_.size(); ++i) {
      if (i > 0) {
        DIST_ASSIGN_OR_RETURN(fd, Forward(std::move(link), i));
      }
      DIST_ASSIGN_OR_RETURN(link, LogIn(std::move(fd), i));
    }
    DIST_RETURN_IF_ERROR(OpenExecChannel(link.get(), std::string(command),
                                         Where(route_.back().settings),
                                         patience_));
    OwnedFd ours, pumped;
    DIST_RETURN_IF_ERROR(MakeSocketPair(&ours, &pumped));
    auto ticket = PumpLink(std::move(link), std::move(pumped));
    if (words_.get() >= 0) PumpWords(std::move(words_), witness_);
    Stream stream;
    stream.fd = ours.Release();
    stream.child = std::exchange(child_.pid, -1);
    stream.witness = witness_;
    stream.carry = [ticket](int fd, const Patience& patience) {
      return CarryLink(OwnedFd(fd), ticket, patience);
    };
    return stream;
  }

  // The last server asked had too many logins pending.
  bool turned_away() const { return turned_away_; }

 private:
  // A session with hop `i`, over `fd` or, for the first, a new connection.
  absl::StatusOr<std::unique_ptr<ChannelLink>> LogIn(OwnedFd fd, size_t i) {
    const SshSettings& settings = route_[i].settings;
    DIST_ASSIGN_OR_RETURN(
        const LoginTurn turn,
        WaitForLoginTurn(absl::StrCat(settings.host, " ", settings.port),
                         patience_));
    if (i == 0) {
      DIST_ASSIGN_OR_RETURN(Dialled dialled, Dial(settings, patience_));
      fd = std::move(dialled.fd);
      child_.pid = dialled.child;
      words_ = std::move(dialled.words);
    }
    Handshake handshake =
        ShakeHands(std::move(fd), settings, LoadKnownKeys(settings), patience_);
    if (!handshake.status.ok()) {
      turned_away_ = handshake.turned_away && child_.pid < 0;
      return Explain(handshake.status, i);
    }
    DIST_RETURN_IF_ERROR(
        Authenticate(handshake.session.get(), settings, patience_));
    const bool last = i + 1 == route_.size();
    return std::make_unique<ChannelLink>(
        std::move(handshake.session),
        last ? witness_ : std::make_shared<StreamWitness>());
  }

  // A connection to hop `i` through the session of the one before it.
  absl::StatusOr<OwnedFd> Forward(std::unique_ptr<ChannelLink> link, size_t i) {
    DIST_RETURN_IF_ERROR(OpenForwardChannel(link.get(), route_[i].settings,
                                            Where(route_[i - 1].settings),
                                            patience_));
    OwnedFd ours, pumped;
    DIST_RETURN_IF_ERROR(MakeSocketPair(&ours, &pumped));
    PumpLink(std::move(link), std::move(pumped));
    return ours;
  }

  // A failure of a ProxyCommand shows as a connection that ends.
  absl::Status Explain(const absl::Status& status, size_t i) {
    if (i > 0 || child_.pid < 0 || IsImpatience(status)) return status;
    // Its last words may still be on the way.
    (void)WaitAtMost(words_.get(), POLLIN, absl::Seconds(1), patience_);
    const std::string words = ForeignWords(ReadWords(words_.get()));
    if (words.empty()) return status;
    return Failure(
        status.code(),
        absl::StrCat("the ProxyCommand of ", route_[0].settings.alias,
                     " failed: ", words),
        absl::StrCat("try ", SshCommandFor(route_[0].settings.address)));
  }

  const Route& route_;
  const Patience& patience_;
  std::shared_ptr<StreamWitness> witness_ = std::make_shared<StreamWitness>();
  ProxyChild child_;
  OwnedFd words_;  // Of child_.
  bool turned_away_ = false;
};

absl::StatusOr<Stream> ConnectPatiently(const Route& route,
                                        absl::string_view command,
                                        const Patience& patience,
                                        const SshOptions& options) {
  std::minstd_rand random(std::random_device{}());
  absl::Duration pause = kFirstPause;
  for (int attempt = 1;; ++attempt) {
    Connector connector(route, patience);
    absl::StatusOr<Stream> stream = connector.Connect(command);
    if (stream.ok() || !connector.turned_away() || attempt == kMostAttempts) {
      return stream;
    }
    if (attempt == kAttemptsInSilence) {
      NoteOnce(options, absl::StrCat(route.back().settings.alias,
                                     ": turned away before the login, as by "
                                     "MaxStartups; trying for half a minute"));
    }
    // Not all who were turned away may come back at the same moment.
    const double share = std::uniform_real_distribution<>(0.5, 1.5)(random);
    const absl::Status status = WaitAtMost(-1, 0, pause * share, patience);
    if (absl::IsCancelled(status)) return status;
    if (!status.ok()) return stream;  // Its words say more than "timed out".
    pause = std::min(2 * pause, kLongestPause);
  }
}

// libssh's sockets raise no SIGPIPE, but those of its agent might; a caller's
// own setting is left as it is.
class WithoutSigpipe {
 public:
  WithoutSigpipe() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, &before_);
  }
  ~WithoutSigpipe() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    const timespec now = {};
    if (sigismember(&before_, SIGPIPE) == 0) {
      while (sigtimedwait(&set, nullptr, &now) > 0) {
      }
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t before_;
};

absl::StatusOr<Stream> Open(const Route& route, absl::string_view command,
                            const Patience& patience,
                            const SshOptions& options) {
  std::vector<std::string> beyond;
  std::vector<SshAddress> addresses;
  for (const Hop& hop : route) {
    beyond.insert(beyond.end(), hop.settings.beyond_libssh.begin(),
                  hop.settings.beyond_libssh.end());
    addresses.push_back(hop.address);
  }
  const std::string& host = route.back().settings.alias;
  const std::string needs = absl::StrJoin(beyond, ", ");
  SshChoice choice = options.choice;
  if (choice == SshChoice::kAuto) {
    const bool fall_back = !beyond.empty() && HasSshProgram();
    choice = fall_back ? SshChoice::kOpenSsh : SshChoice::kLibssh;
    if (fall_back) {
      NoteOnce(options, absl::StrCat(host,
                                     ": using the ssh program, because "
                                     "its configuration has ",
                                     needs));
    }
  }
  if (choice == SshChoice::kOpenSsh) {
    return OpenProgramStream(addresses, command, patience);
  }
  if (!beyond.empty()) {
    NoteOnce(options, absl::StrCat(host, ": libssh does without ", needs,
                                   ", which its configuration has"));
  }
  return ConnectPatiently(route, command, patience, options);
}

}  // namespace

absl::StatusOr<Stream> OpenSshStream(const SshAddress& address,
                                     absl::string_view command,
                                     const Patience& patience,
                                     const SshOptions& options) {
  const WithoutSigpipe guard;
  Route route;
  DIST_RETURN_IF_ERROR(AddHops(address, 0, patience, &route));
  return Open(route, command, patience, options);
}

absl::StatusOr<Stream> OpenSshStreamVia(const SshAddress& outer,
                                        const SshAddress& inner,
                                        absl::string_view command,
                                        const Patience& patience,
                                        const SshOptions& options) {
  const WithoutSigpipe guard;
  SshAddress direct = inner;
  direct.jump.clear();
  direct.options.insert(direct.options.begin(),
                        {"ProxyCommand=none", "ProxyJump=none"});
  Route route;
  DIST_RETURN_IF_ERROR(AddHops(outer, 0, patience, &route));
  DIST_RETURN_IF_ERROR(AddHops(direct, 0, patience, &route));
  return Open(route, command, patience, options);
}

}  // namespace dist
