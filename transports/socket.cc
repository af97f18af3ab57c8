// socket: a node behind a `dist serve`.
#include <poll.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"
#include "core/model/version.h"
#include "transports/serve/greeting.h"
#include "transports/tcp.h"
#include "transports/tls/key.h"
#include "transports/tls/pump.h"
#include "transports/tls/session.h"
#include "transports/transport.h"
#include "transports/wait.h"

namespace dist {
namespace {

using Want = TlsSession::Want;

constexpr absl::Duration kConnectLimit = absl::Seconds(10);
constexpr absl::Duration kHandshakeLimit = absl::Seconds(10);

absl::Status Failure(absl::StatusCode code, absl::string_view cause,
                     absl::string_view help) {
  return absl::Status(code, absl::StrCat(cause, "\nhelp: ", help));
}

absl::Status DialFailure(const std::string& where, const absl::Status& why) {
  switch (why.code()) {
    case absl::StatusCode::kUnavailable:
      return Failure(why.code(), absl::StrCat("connection refused by ", where),
                     "is dist serve running there, and is that its port?");
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
          "is the host up, and is dist serve running there?");
  }
}

// Why nobody who has our key answered in our way.
absl::Status ShakeFailure(const HostAddress& host, const std::string& name,
                          const absl::Status& why) {
  const std::string where = to_string(host.socket);
  switch (why.code()) {
    case absl::StatusCode::kPermissionDenied:
      return Failure(
          why.code(),
          absl::StrCat(where, " has another key than ",
                       Printable(host.key_file), " (", name, ")"),
          "copy the key file that dist serve names there, or name it with "
          "--key-file");
    case absl::StatusCode::kUnavailable:
      return Failure(
          why.code(),
          absl::StrCat("the connection to ", where,
                       " ended before anything was said: ", why.message()),
          "is it a dist serve that listens there? Is it busy?");
    case absl::StatusCode::kDeadlineExceeded:
      return Failure(
          why.code(),
          absl::StrCat(where, " accepts connections but does not answer"),
          "is it a dist serve that listens there?");
    case absl::StatusCode::kCancelled:
      return why;
    default:
      return Failure(
          why.code(),
          absl::StrCat("no dist serve answers at ", where, ": ", why.message()),
          "is that its port?");
  }
}

absl::Status Await(const TlsSession& tls, Want want, const Patience& patience) {
  return WaitFor(tls.fd(), want == Want::kWrite ? POLLOUT : POLLIN, patience);
}

absl::Status Shake(TlsSession* tls, const Patience& patience) {
  while (true) {
    DIST_ASSIGN_OR_RETURN(const Want want, tls->Shake());
    if (want == Want::kNothing) return absl::OkStatus();
    DIST_RETURN_IF_ERROR(Await(*tls, want, patience));
  }
}

absl::Status Say(TlsSession* tls, const std::string& words,
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

// One line. Takes no byte after it: the link's come next.
absl::StatusOr<std::string> Hear(TlsSession* tls, const Patience& patience) {
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

absl::Status Refusal(const std::string& where, const ServeReply& reply) {
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
    case ServeReply::Kind::kWelcome:
      break;
  }
  return absl::OkStatus();
}

absl::StatusOr<ServeReply> Ask(TlsSession* tls, const Patience& patience) {
  DIST_RETURN_IF_ERROR(Shake(tls, patience));
  DIST_RETURN_IF_ERROR(Say(tls, ServeRequest(BuildVersion()), patience));
  // A server that has another key says so only now.
  DIST_ASSIGN_OR_RETURN(const std::string line, Hear(tls, patience));
  return ParseServeReply(line);
}

}  // namespace

absl::StatusOr<Connection> ConnectSocket(const HostAddress& host,
                                         const Patience& patience) {
  DIST_ASSIGN_OR_RETURN(const ServeKey key, ReadServeKey(host.key_file));
  absl::StatusOr<OwnedFd> socket =
      DialTcp({host.socket.host, host.socket.port, 0, ""},
              AtMost(kConnectLimit, patience));
  if (!socket.ok()) return DialFailure(to_string(host.socket), socket.status());
  auto tls = std::make_shared<TlsSession>(TlsSession::Side::kClient,
                                          *std::move(socket), key);
  const absl::StatusOr<ServeReply> reply =
      Ask(tls.get(), AtMost(kHandshakeLimit, patience));
  if (!reply.ok()) {
    return ShakeFailure(host, key.Fingerprint(), reply.status());
  }
  DIST_RETURN_IF_ERROR(Refusal(to_string(host.socket), *reply));
  OwnedFd ours, theirs;
  DIST_RETURN_IF_ERROR(MakeSocketPair(&ours, &theirs));
  auto witness = std::make_shared<StreamWitness>();
  // Ends when either side does: the link closes `theirs`.
  const int local = ours.Release();
  std::thread([tls, witness, local] {
    const OwnedFd closed_at_the_end(local);
    PumpEnds ends;
    ends.tls = tls.get();
    ends.local = local;
    const std::string how = PumpTls(std::move(ends));
    if (!how.empty()) witness->SetEnd(how);
  }).detach();
  return Connection{theirs.Release(), -1, std::move(witness)};
}

}  // namespace dist
