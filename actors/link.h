// Link actors: the two ends of a link, each a broker over a connected socket,
// or over TLS on one.
//
// They encode and decode messages, keep to the windows, ping, and report the
// end of the link once. All protocol rules are in core/wire/link_session.h.
#ifndef DIST_ACTORS_LINK_H_
#define DIST_ACTORS_LINK_H_

#include "actors/protocol/handles.h"
#include "core/wire/link_session.h"
#include "transports/stream.h"

namespace dist {

// A coordinator that is silent for 20 s counts as gone to its node: less than
// the coordinator's own 30 s, so that it never runs a test again that may still
// be running there.
LinkTimers HostLinkTimers();
LinkTimers NodeLinkTimers();

// The coordinator's end of link number `connection` to `host`. Takes over
// `socket`. Ends after LinkEnded: when the peer has said goodbye, is silent, or
// says something that is no protocol.
CommandLinkHandle SpawnHostLink(caf::actor_system& system, LinkSocket socket,
                                HostId host, uint32_t connection,
                                HostSinkHandle sink, const LinkTimers& timers);

// The node's end.
EventLinkHandle SpawnNodeLink(caf::actor_system& system, LinkSocket socket,
                              NodeSinkHandle sink, const LinkTimers& timers);

}  // namespace dist

#endif  // DIST_ACTORS_LINK_H_
