// What actors of one process say to each other, beyond the core's messages.
//
// Nodes' commands and events travel as the core's two closed variants: the
// core handles them with one exhaustive visit, and one table of alternatives
// (core/model/node_messages.h) is all there is to keep in step.
#ifndef DIST_ACTORS_PROTOCOL_MESSAGES_H_
#define DIST_ACTORS_PROTOCOL_MESSAGES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/model/node_messages.h"
#include "core/wire/frame.h"

namespace dist {

class SecuredLink;  // transports/stream.h

// For a node, whichever side of the link it is on at the moment.
struct CommandMessage {
  NodeCommand command;
  uint64_t cost = 0;  // Bytes on the link; the receiver consumes them.
  template <class V>
  auto VisitFields(V&& v) {
    return v("command", command, "cost", cost);
  }
};

// From a node, or from a worker to its node.
struct EventMessage {
  NodeEvent event;
  template <class V>
  auto VisitFields(V&& v) {
    return v("event", event);
  }
};

// To a link: a message for the other end, encoded already. It never leaves this
// process as such.
struct SendFramed {
  SharedMessage message;
  template <class V>
  auto VisitFields(V&& v) {
    return v();
  }
};

// An event as the coordinator hears it.
struct HostSpoke {
  HostId host;
  uint32_t connection = 0;  // Which of the host's links, one after another.
  NodeEvent event;
  uint64_t cost = 0;  // As above.
  template <class V>
  auto VisitFields(V&& v) {
    return v("host", host, "connection", connection, "event", event, "cost",
             cost);
  }
};

// A link is gone, with whatever was behind it.
struct LinkEnded {
  HostId host;
  uint32_t connection = 0;
  std::string text;  // How; "" if both sides said goodbye.
  template <class V>
  auto VisitFields(V&& v) {
    return v("host", host, "connection", connection, "text", text);
  }
};

// A message that came over the link has been dealt with: its sender may send
// `bytes` more.
struct Consumed {
  uint64_t bytes = 0;
  Channel channel = Channel::kControl;  // On which it came.
  template <class V>
  auto VisitFields(V&& v) {
    return v("bytes", bytes, "channel", channel);
  }
};

// Say goodbye after what is queued, then end.
struct CloseLink {
  template <class V>
  auto VisitFields(V&& v) {
    return v();
  }
};

// A second has passed.
struct Tick {
  template <class V>
  auto VisitFields(V&& v) {
    return v();
  }
};

// Wake the run machine; `epoch` tells a stale timer from the current one.
struct WakeUp {
  uint64_t epoch = 0;
  template <class V>
  auto VisitFields(V&& v) {
    return v("epoch", epoch);
  }
};

// The user or the system wants the run to stop.
struct StopRequested {
  std::string why;
  template <class V>
  auto VisitFields(V&& v) {
    return v("why", why);
  }
};

// ---- From the process pump to a worker ------------------------------------

// Bytes of the control channel.
struct ProcessReported {
  std::string bytes;
  template <class V>
  auto VisitFields(V&& v) {
    return v("bytes", bytes);
  }
};

// Bytes of stdout and stderr.
struct ProcessWrote {
  std::string bytes;
  template <class V>
  auto VisitFields(V&& v) {
    return v("bytes", bytes);
  }
};

struct ProcessEnded {
  std::string start_error;  // Not empty: it never ran.
  bool no_program = false;  // Another program might have run.
  int32_t wait_status = 0;
  std::string captured;  // The end of what it had captured of its own output.
  template <class V>
  auto VisitFields(V&& v) {
    return v("start_error", start_error, "no_program", no_program,
             "wait_status", wait_status, "captured", captured);
  }
};

// To a node: no process of its workers is left, or only `left` that defy
// SIGKILL.
struct ProcessesKilled {
  int32_t left = 0;
  template <class V>
  auto VisitFields(V&& v) {
    return v("left", left);
  }
};

// From a syncer: a host has its trees, or cannot have them.
struct HostSynced {
  HostId host;
  uint32_t connection = 0;
  std::vector<std::string> paths;  // Of the trees there, by number less one.
  std::vector<std::string> notes;  // What was sent, a line a tree.
  std::string error;               // Not empty: why there are none.
  template <class V>
  auto VisitFields(V&& v) {
    return v("host", host, "connection", connection, "paths", paths, "notes",
             notes, "error", error);
  }
};

// What its tests wrote has come from a host, or could not.
struct HostFetched {
  HostId host;
  uint32_t connection = 0;
  std::vector<std::string> notes;     // For the user, under -v.
  std::vector<std::string> warnings;  // For the user in any case.
  template <class V>
  auto VisitFields(V&& v) {
    return v("host", host, "connection", connection, "notes", notes, "warnings",
             warnings);
  }
};

// ---- Between coordinator and host keeper ----------------------------------

// Connects to a host. Answer: HostConnected or HostGone.
struct MakeConnection {
  HostId host;
  uint32_t connection = 0;
  template <class V>
  auto VisitFields(V&& v) {
    return v("host", host, "connection", connection);
  }
};

// To the keeper itself: an attempt at that has come to an end.
struct AttemptEnded {
  HostId host;
  uint32_t connection = 0;
  template <class V>
  auto VisitFields(V&& v) {
    return v("host", host, "connection", connection);
  }
};

// The receiver owns the descriptor.
struct HostConnected {
  HostId host;
  uint32_t connection = 0;
  int32_t fd = -1;
  // As of LinkSocket; the message never leaves this process.
  std::shared_ptr<SecuredLink> secured = nullptr;
  template <class V>
  auto VisitFields(V&& v) {
    return v("host", host, "connection", connection, "fd", fd);
  }
};

// Sees to it that nothing is left of a connection. Answer: HostGone.
struct BuryHost {
  HostId host;
  uint32_t connection = 0;
  std::string text;  // How its link ended; "": in order.
  template <class V>
  auto VisitFields(V&& v) {
    return v("host", host, "connection", connection, "text", text);
  }
};

// A connection was not made, or nothing is left of it.
struct HostGone {
  HostId host;
  uint32_t connection = 0;
  std::string text;
  template <class V>
  auto VisitFields(V&& v) {
    return v("host", host, "connection", connection, "text", text);
  }
};

// What the user should know of a host that is being connected to, though
// nothing has failed. Comes before that connection's other answer.
struct HostNoted {
  std::string line;  // Begins with the host.
  template <class V>
  auto VisitFields(V&& v) {
    return v("line", line);
  }
};

// The run is over: kill what is left and end.
struct Leave {
  template <class V>
  auto VisitFields(V&& v) {
    return v();
  }
};

}  // namespace dist

#endif  // DIST_ACTORS_PROTOCOL_MESSAGES_H_
