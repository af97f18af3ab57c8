// What actors of one process say to each other, beyond the core's messages.
//
// Nodes' commands and events travel as the core's two closed variants: the
// core handles them with one exhaustive visit, and one table of alternatives
// (core/model/node_messages.h) is all there is to keep in step.
#ifndef DIST_ACTORS_PROTOCOL_MESSAGES_H_
#define DIST_ACTORS_PROTOCOL_MESSAGES_H_

#include <cstdint>
#include <string>

#include "core/model/node_messages.h"

namespace dist {

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
  bool output = false;  // It came on the output channel.
  template <class V>
  auto VisitFields(V&& v) {
    return v("bytes", bytes, "output", output);
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

struct ProcessStarted {
  int64_t pid = 0;
  template <class V>
  auto VisitFields(V&& v) {
    return v("pid", pid);
  }
};

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
  std::string start_error;
  int32_t wait_status = 0;
  template <class V>
  auto VisitFields(V&& v) {
    return v("start_error", start_error, "wait_status", wait_status);
  }
};

}  // namespace dist

#endif  // DIST_ACTORS_PROTOCOL_MESSAGES_H_
