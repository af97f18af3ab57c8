// What each actor can be told, as types: all interfaces on one page.
// Interface<R(In...)> reads the same on CAF 0.17 and 1.x.
//
// caf::typed_actor stays incomplete here, which keeps this header at half of
// its cost; whoever holds or uses a handle includes <caf/typed_actor.hpp>.
#ifndef DIST_ACTORS_PROTOCOL_HANDLES_H_
#define DIST_ACTORS_PROTOCOL_HANDLES_H_

#include <caf/io/fwd.hpp>
#include <caf/replies_to.hpp>

#include "actors/protocol/wire.h"

namespace dist {
namespace protocol_internal {

// A message without a type ID would only be logged and lost at run time.
template <class... T>
inline constexpr bool kRegistered = (caf::has_type_id<T>::value && ...);

template <class Signature>
struct Handler;
template <class... In>
struct Handler<void(In...)> {
  static_assert(kRegistered<In...>, "add the message to wire.h");
  using type = caf::reacts_to<In...>;
};

}  // namespace protocol_internal

template <class... Signatures>
using Interface =
    caf::typed_actor<typename protocol_internal::Handler<Signatures>::type...>;

// Where a link of the coordinator reports to.
using HostSinkHandle = Interface<void(HostSpoke),   // A node said something.
                                 void(LinkEnded)>;  // It never will again.

// Where the link of a node reports to.
using NodeSinkHandle = Interface<void(CommandMessage),  // From the coordinator.
                                 void(LinkEnded)>;      // Which is gone.

// Where a host keeper reports to.
using KeeperSinkHandle =
    Interface<void(HostConnected), void(HostGone), void(HostNoted)>;

// Makes connections and buries hosts.
using HostKeeperHandle =
    Interface<void(MakeConnection), void(BuryHost), void(Leave),
              void(AttemptEnded)>;  // From its own threads.

// Where a syncer reports to.
using SyncSinkHandle = Interface<void(HostSynced)>;

// The end of a sync where the files are: hears what the host says to that.
using SyncerHandle = Interface<void(HostSpoke)>;

// The end where they shall be: hears what the coordinator says to that.
using ReplicaHandle = Interface<void(CommandMessage)>;

// The same for fetching: the end where the files are,
using GathererHandle = Interface<void(CommandMessage)>;
// the one where they shall be,
using FetcherHandle = Interface<void(HostSpoke)>;
// and where that reports to.
using FetchSinkHandle = Interface<void(HostFetched)>;

using CoordinatorHandle =
    Interface<void(HostSpoke), void(LinkEnded), void(HostConnected),
              void(HostGone), void(HostSynced), void(HostFetched),
              void(HostNoted),
              void(WakeUp),          // A timer of the run machine.
              void(Tick),            // For the live display.
              void(StopRequested)>;  // Ctrl-C and the like.

// Looks at hosts instead of running tests there.
using DoctorHandle =
    Interface<void(HostSpoke), void(LinkEnded), void(HostConnected),
              void(HostGone), void(HostNoted),
              void(StopRequested)>;  // Ctrl-C and the like.

// What users of links need of them.
using CommandLinkHandle =
    Interface<void(CommandMessage),  // Send it to the node.
              void(SendFramed),      // Likewise, to many.
              void(Consumed)>;       // Of what the node sent.
using EventLinkHandle =
    Interface<void(EventMessage),  // Send it to the coordinator.
              void(SendFramed),    // Likewise.
              void(Consumed),      // Of what the coordinator sent.
              void(CloseLink)>;

// The coordinator's end of a link.
using HostLinkHandle =
    Interface<void(caf::io::new_data_msg), void(caf::io::data_transferred_msg),
              void(caf::io::connection_closed_msg), void(CommandMessage),
              void(SendFramed), void(Consumed), void(Tick)>;

// The node's end of a link.
using NodeLinkHandle =
    Interface<void(caf::io::new_data_msg), void(caf::io::data_transferred_msg),
              void(caf::io::connection_closed_msg), void(EventMessage),
              void(SendFramed), void(Consumed), void(CloseLink), void(Tick)>;

using NodeHandle =
    Interface<void(CommandMessage), void(LinkEnded),
              void(EventMessage),  // From a worker here, for the coordinator.
              void(ProcessesKilled)>;

// Where a worker reports to; a NodeHandle converts to it.
using EventSinkHandle = Interface<void(EventMessage)>;

using WorkerHandle =
    Interface<void(CommandMessage),  // One that names this worker.
              void(ProcessReported), void(ProcessWrote), void(ProcessEnded),
              void(Tick)>;  // For the time limit of tests.

}  // namespace dist

#endif  // DIST_ACTORS_PROTOCOL_HANDLES_H_
