// socket: a node behind a `dist serve`. listen: one on a host that dialled in.
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/model/version.h"
#include "transports/serve/caller.h"
#include "transports/serve/greeting.h"
#include "transports/serve/reception.h"
#include "transports/tls/key.h"
#include "transports/tls/secured.h"
#include "transports/tls/session.h"
#include "transports/transport.h"
#include "transports/wait.h"

namespace dist {
namespace {

// A host that waited for its run answers at once.
constexpr absl::Duration kAnswerLimit = absl::Seconds(10);

ServeRequest NodePlease() {
  return {ServeRequest::Kind::kNode, BuildVersion(), ""};
}

// The node is another process than the one that spoke for it so far.
absl::StatusOr<Connection> LinkOver(TlsSession session,
                                    const Patience& patience) {
  absl::StatusOr<LinkSocket> link =
      TakeOver(TlsSession::Side::kClient, HandOver(std::move(session)),
               AtMost(kAnswerLimit, patience));
  if (!link.ok()) {
    if (absl::IsCancelled(link.status())) return link.status();
    return absl::UnavailableError(
        absl::StrCat("its node does not answer: ", link.status().message(),
                     "\nhelp: see what dist serve says there"));
  }
  Connection made;
  made.fd = link->fd;
  made.witness = {link->secured, &link->secured->witness};
  made.secured = std::move(link->secured);
  return made;
}

absl::StatusOr<ServeReply> AskForNode(TlsSession* tls,
                                      const Patience& patience) {
  DIST_RETURN_IF_ERROR(SayLine(tls, Format(NodePlease()), patience));
  DIST_ASSIGN_OR_RETURN(const std::string line, HearLine(tls, patience));
  return ParseServeReply(line);
}

}  // namespace

absl::StatusOr<Connection> ConnectSocket(const HostAddress& host,
                                         const Patience& patience) {
  DIST_ASSIGN_OR_RETURN(const ServeKey key, ReadServeKey(host.key_file));
  const Callee callee{host.socket, "dist serve", host.key_file};
  DIST_ASSIGN_OR_RETURN(Call call,
                        CallPeer(callee, key, NodePlease(), patience));
  DIST_RETURN_IF_ERROR(RefusalOf(to_string(host.socket), call.reply));
  return LinkOver(std::move(call.tls), patience);
}

absl::StatusOr<Connection> ConnectListen(const HostAddress& host,
                                         const Patience& patience) {
  while (true) {
    DIST_ASSIGN_OR_RETURN(Offer offer,
                          host.reception->Take(host.place, patience));
    if (patience.note != nullptr && !offer.expected) {
      patience.note(absl::StrCat(host.name, ": ", offer.host, " at ",
                                 offer.address, " takes its place"));
    }
    const auto reply = AskForNode(&offer.tls, AtMost(kAnswerLimit, patience));
    if (reply.ok()) {
      DIST_RETURN_IF_ERROR(RefusalOf(offer.host, *reply));
      return LinkOver(std::move(offer.tls), patience);
    }
    // It went while it waited; there may be another.
    if (absl::IsCancelled(reply.status())) return reply.status();
  }
}

}  // namespace dist
