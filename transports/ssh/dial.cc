#include "transports/ssh/dial.h"

#include <sys/socket.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"
#include "transports/kept_children.h"
#include "transports/ssh/effective.h"
#include "transports/ssh/words.h"
#include "transports/tcp.h"
#include "transports/wait.h"

namespace dist {
namespace {

constexpr absl::Duration kConnectLimit = absl::Seconds(10);

int Family(const std::string& name) {
  if (name == "inet") return AF_INET;
  if (name == "inet6") return AF_INET6;
  return AF_UNSPEC;
}

absl::Status UnknownHost(const SshSettings& settings, const std::string& host,
                         absl::string_view why) {
  const std::string name = ForeignWords(host);
  std::string help =
      "check the spelling, or give it a HostName in ~/.ssh/config";
  absl::string_view first = settings.alias;
  if (host == settings.host && host != settings.alias) {
    help = absl::StrCat("the ssh configuration gives ", name, " for ",
                        settings.alias);
  } else if (absl::ConsumeSuffix(&first, "popen") && !first.empty()) {
    // Manuals of pytest-xdist show two options without the blank in between.
    help = absl::StrCat("was --tx ssh=", first, " --tx popen meant?");
  }
  return Failure(absl::StatusCode::kNotFound,
                 absl::StrCat("unknown host ", name, ": ", why), help);
}

// The words of `failure` for the users of ssh.
absl::Status InWords(const SshSettings& settings, const absl::Status& failure) {
  const std::string where = Where(settings);
  switch (failure.code()) {
    case absl::StatusCode::kNotFound:
      return UnknownHost(settings, settings.host, failure.message());
    case absl::StatusCode::kInvalidArgument:
      return UnknownHost(settings, settings.bind_address, failure.message());
    case absl::StatusCode::kDeadlineExceeded:
      return Failure(failure.code(),
                     absl::StrCat(failure.message(), " ", where, " timed out"),
                     "is the host up, and does a firewall let ssh through?");
    case absl::StatusCode::kUnavailable:
      return Failure(failure.code(),
                     absl::StrCat("connection refused by ", where),
                     "is sshd running there, and is that its port?");
    case absl::StatusCode::kInternal:
      return Failure(
          absl::StatusCode::kUnavailable,
          absl::StrCat("cannot connect to ", where, ": ", failure.message()),
          absl::StrCat("try ", SshCommandFor(settings.address)));
    default:
      return failure;
  }
}

absl::StatusOr<Dialled> DialDirectly(const SshSettings& settings,
                                     const Patience& patience) {
  const absl::Duration limit = settings.connect_timeout > 0
                                   ? absl::Seconds(settings.connect_timeout)
                                   : kConnectLimit;
  absl::StatusOr<OwnedFd> fd =
      DialTcp({settings.host, settings.port, Family(settings.address_family),
               settings.bind_address},
              AtMost(limit, patience));
  if (!fd.ok()) return InWords(settings, fd.status());
  Dialled dialled;
  dialled.fd = *std::move(fd);
  return dialled;
}

absl::StatusOr<Dialled> StartProxy(const SshSettings& settings) {
  DIST_ASSIGN_OR_RETURN(const std::string command,
                        Expand(settings, settings.proxy_command));
  Dialled dialled;
  OwnedFd theirs;
  DIST_RETURN_IF_ERROR(MakeSocketPair(&dialled.fd, &theirs));
  OwnedFd words;
  DIST_RETURN_IF_ERROR(MakeSocketPair(&dialled.words, &words));
  SpawnRequest request;
  request.argv = {"/bin/sh", "-c", absl::StrCat("exec ", command)};
  request.env = Environment();
  request.fds = {{theirs.get(), 0}, {theirs.get(), 1}, {words.get(), 2}};
  DIST_ASSIGN_OR_RETURN(dialled.child, SpawnKept(request));
  SetNonBlocking(dialled.words.get());
  return dialled;
}

}  // namespace

absl::StatusOr<Dialled> Dial(const SshSettings& settings,
                             const Patience& patience) {
  DIST_RETURN_IF_ERROR(CheckPatience(patience));
  return settings.proxy_command.empty() ? DialDirectly(settings, patience)
                                        : StartProxy(settings);
}

}  // namespace dist
