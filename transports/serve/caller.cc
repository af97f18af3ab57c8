#include "transports/serve/caller.h"

#include <poll.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"
#include "core/model/version.h"
#include "transports/tcp.h"
#include "transports/tls/secured.h"
#include "transports/wait.h"

namespace dist {
namespace {

using Want = TlsSession::Want;

constexpr absl::Duration kConnectLimit = absl::Seconds(10);
constexpr absl::Duration kTalkLimit = absl::Seconds(10);

absl::Status Failure(absl::StatusCode code, absl::string_view cause,
                     absl::string_view help) {
  return absl::Status(code, absl::StrCat(cause, "\nhelp: ", help));
}

absl::Status DialFailure(const Callee& callee, const absl::Status& why) {
  const std::string where = to_string(callee.address);
  switch (why.code()) {
    case absl::StatusCode::kUnavailable:
      return Failure(why.code(), absl::StrCat("connection refused by ", where),
                     absl::StrCat("is ", callee.program,
                                  " running there, and is that its port?"));
    case absl::StatusCode::kDeadlineExceeded:
      return Failure(why.code(),
                     absl::StrCat(why.message(), " ", where, " timed out"),
                     "is the host up, and does a firewall let it through?");
    case absl::StatusCode::kNotFound:
      return Failure(why.code(),
                     absl::StrCat("unknown host: ", where, ": ", why.message()),
                     "check the spelling");
    case absl::StatusCode::kCancelled:
      return why;
    default:
      return Failure(
          why.code(),
          absl::StrCat("cannot connect to ", where, ": ", why.message()),
          absl::StrCat("is the host up, and is ", callee.program,
                       " running there?"));
  }
}

// Why nobody who has our key answered in our way.
absl::Status ShakeFailure(const Callee& callee, const std::string& key,
                          const absl::Status& why) {
  const std::string where = to_string(callee.address);
  const std::string is_it =
      absl::StrCat("is it a ", callee.program, " that listens there?");
  switch (why.code()) {
    case absl::StatusCode::kPermissionDenied:
      return Failure(why.code(),
                     absl::StrCat(where, " has another key than ",
                                  Printable(callee.key_file), " (", key, ")"),
                     absl::StrCat("copy the key file that ", callee.program,
                                  " names there, or name it with --key-file"));
    case absl::StatusCode::kUnavailable:
      return Failure(
          why.code(),
          absl::StrCat("the connection to ", where,
                       " ended before anything was said: ", why.message()),
          absl::StrCat(is_it, " Is it busy?"));
    case absl::StatusCode::kDeadlineExceeded:
      return Failure(
          why.code(),
          absl::StrCat(where, " accepts connections but does not answer"),
          is_it);
    case absl::StatusCode::kCancelled:
      return why;
    default:
      return Failure(why.code(),
                     absl::StrCat("no ", callee.program, " answers at ", where,
                                  ": ", why.message()),
                     "is that its port?");
  }
}

absl::Status Await(const TlsSession& tls, Want want, const Patience& patience) {
  return WaitFor(tls.fd(), want == Want::kWrite ? POLLOUT : POLLIN, patience);
}

absl::StatusOr<ServeReply> Ask(TlsSession* tls, const ServeRequest& request,
                               const Patience& patience) {
  DIST_RETURN_IF_ERROR(ShakeHands(tls, patience));
  DIST_RETURN_IF_ERROR(SayLine(tls, Format(request), patience));
  // A server that has another key says so only now.
  DIST_ASSIGN_OR_RETURN(const std::string line, HearLine(tls, patience));
  return ParseServeReply(line);
}

}  // namespace

absl::Status SayLine(TlsSession* tls, const std::string& words,
                     const Patience& patience) {
  for (size_t said = 0; said < words.size();) {
    DIST_ASSIGN_OR_RETURN(const TlsSession::Moved moved,
                          tls->Write(words.data() + said, words.size() - said));
    said += moved.bytes;
    if (moved.want == Want::kNothing) continue;
    DIST_RETURN_IF_ERROR(Await(*tls, moved.want, patience));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> HearLine(TlsSession* tls,
                                     const Patience& patience) {
  std::string line;
  while (line.size() < kMaxGreeting) {
    char c = 0;
    DIST_ASSIGN_OR_RETURN(const TlsSession::Moved moved, tls->Read(&c, 1));
    if (moved.ended) return absl::UnavailableError("it was closed");
    if (moved.bytes == 0) {
      DIST_RETURN_IF_ERROR(Await(*tls, moved.want, patience));
    } else if (c == '\n') {
      return line;
    } else {
      line.push_back(c);
    }
  }
  return absl::InvalidArgumentError("its first line is too long");
}

void TurnAway(TlsSession* tls, const ServeReply& reply) {
  const std::string words = Format(reply);
  tls->Write(words.data(), words.size()).IgnoreError();
  tls->Finish();
}

absl::Status RefusalOf(const std::string& where, const ServeReply& reply) {
  switch (reply.kind) {
    case ServeReply::Kind::kOtherVersion:
      return Failure(absl::StatusCode::kFailedPrecondition,
                     absl::StrCat(where, " is dist ", reply.text, ", this is ",
                                  BuildVersion()),
                     "run the same dist on both sides");
    case ServeReply::Kind::kBusy:
      return Failure(
          absl::StatusCode::kResourceExhausted,
          absl::StrCat(where, " has as many runs as it may: ", reply.text),
          "try later, or start it with a larger --max-runs");
    case ServeReply::Kind::kTrouble:
      return Failure(absl::StatusCode::kInternal,
                     absl::StrCat(where, " cannot start a node: ", reply.text),
                     "see what dist serve says there");
    case ServeReply::Kind::kOtherWay:
      return reply.text == kListens
                 ? Failure(absl::StatusCode::kFailedPrecondition,
                           absl::StrCat(where,
                                        " is a dist --listen, which "
                                        "waits for hosts"),
                           "hosts come to it by dist serve --dial; use --tx "
                           "socket= where dist serve listens")
                 : Failure(absl::StatusCode::kFailedPrecondition,
                           absl::StrCat(where,
                                        " is a dist serve, which waits "
                                        "for runs"),
                           absl::StrCat("use it with dist --tx socket=", where,
                                        "; --dial is for dist --listen"));
    case ServeReply::Kind::kWelcome:
    case ServeReply::Kind::kWait:
      break;
  }
  return absl::OkStatus();
}

absl::StatusOr<Call> CallPeer(const Callee& callee, const ServeKey& key,
                              const ServeRequest& request,
                              const Patience& patience) {
  absl::StatusOr<OwnedFd> socket =
      DialTcp({callee.address.host, callee.address.port, 0, ""},
              AtMost(kConnectLimit, patience));
  if (!socket.ok()) return DialFailure(callee, socket.status());
  TlsSession tls(TlsSession::Side::kClient, *std::move(socket), key);
  absl::StatusOr<ServeReply> reply =
      Ask(&tls, request, AtMost(kTalkLimit, patience));
  if (!reply.ok()) {
    return ShakeFailure(callee, key.Fingerprint(), reply.status());
  }
  return Call{std::move(tls), *std::move(reply)};
}

}  // namespace dist
