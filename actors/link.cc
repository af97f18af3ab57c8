#include "actors/link.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "actors/actor_class.h"
#include "actors/link_scribe.h"
#include "actors/protocol/channels.h"
#include "core/wire/codec.h"
#include "core/wire/link_session.h"

namespace dist {
namespace {

// No more than this is taken from the session at once: it goes before whatever
// is queued later.
constexpr size_t kInFlight = 256 << 10;
// CAF fills a buffer of this size with zeros for each read, of 4 bytes, too.
constexpr size_t kReadAtMost = 32 << 10;
// Output beyond this is dropped, with a note: a reader that cannot keep up must
// not fill this machine's memory.
constexpr size_t kMaxQueuedOutput = 8 << 20;
constexpr absl::Duration kTick = absl::Seconds(1);

// What both ends do. `End` is the actor class: it knows the message types.
template <class Handle>
class LinkEnd {
 public:
  using Self = typename Handle::broker_pointer;

  LinkEnd(Self self, caf::io::connection_handle connection, LinkScribe* scribe,
          LinkTimers timers)
      : self_(self),
        scribe_(*scribe),
        tick_(absl::ToChronoMilliseconds(std::min(timers.ping / 2, kTick))),
        session_(timers, Now()) {
    self_->configure_read(connection,
                          caf::io::receive_policy::at_most(kReadAtMost));
    self_->ack_writes(connection, true);
    self_->delayed_send(self_, tick_, Tick{});
    Pump();
  }

 protected:
  // Monotonic: a wall clock that is set must not end a link.
  absl::Time Now() const {
    return absl::FromUnixNanos(
        std::chrono::duration_cast<std::chrono::nanoseconds>(
            std::chrono::steady_clock::now().time_since_epoch())
            .count());
  }

  void Queue(Channel channel, std::string bytes) {
    session_.Send(channel, std::move(bytes));
    Pump();
  }

  void Queue(SharedMessage message) {
    session_.Send(std::move(message));
    Pump();
  }

  size_t queued() const { return session_.queued(); }

  void Consume(const Consumed& e) {
    session_.Consume(e.channel, e.bytes);
    Pump();
  }

  void Close() {
    session_.Close();
    Pump();
  }

  // What arrived. An error is what the caller must end the link with.
  absl::Status Receive(const caf::io::new_data_msg& e,
                       std::vector<LinkMessage>* messages) {
    const absl::string_view bytes(reinterpret_cast<const char*>(e.buf.data()),
                                  e.buf.size());
    const absl::Status status = session_.Receive(bytes, Now(), messages);
    Pump();
    return status;
  }

  absl::Status OnTick() {
    const absl::Status status = session_.Tick(Now());
    Pump();
    self_->delayed_send(self_, tick_, Tick{});
    return status;
  }

  void OnWritten() { Pump(); }

  bool peer_closed() const { return session_.peer_closed(); }

  const Self self_;

 private:
  void Pump() {
    LinkOutput& output = scribe_.output();
    if (output.size() >= kInFlight) return;
    session_.TakeOutput(kInFlight - output.size(), &output);
    scribe_.flush();
  }

  LinkScribe& scribe_;  // The actor's.

  const std::chrono::milliseconds tick_;
  LinkSession session_;
};

class HostLinkActor : public LinkEnd<HostLinkHandle> {
 public:
  using Handle = HostLinkHandle;
  static inline const char* name = "dist.host_link";

  HostLinkActor(Self self, caf::io::connection_handle connection,
                LinkScribe* scribe, HostId host, uint32_t number,
                HostSinkHandle sink, const LinkTimers& timers)
      : LinkEnd(self, connection, scribe, timers),
        host_(host),
        number_(number),
        sink_(std::move(sink)) {}

  Handle::behavior_type make_behavior() {
    return {
        [this](const caf::io::new_data_msg& e) { OnData(e); },
        [this](const caf::io::data_transferred_msg&) { OnWritten(); },
        [this](const caf::io::connection_closed_msg&) {
          End(peer_closed() ? "" : "the node is gone");
        },
        [this](const CommandMessage& e) {
          Queue(ChannelOf(e.command), Encode(e.command));
        },
        [this](const SendFramed& e) { Queue(e.message); },
        [this](const Consumed& e) { Consume(e); },
        [this](Tick) {
          const absl::Status status = OnTick();
          if (!status.ok()) End(std::string(status.message()));
        },
    };
  }

 private:
  void OnData(const caf::io::new_data_msg& e) {
    std::vector<LinkMessage> messages;
    absl::Status status = Receive(e, &messages);
    for (LinkMessage& message : messages) {
      absl::StatusOr<NodeEvent> event = Decode<NodeEvent>(message.bytes);
      if (!event.ok()) {
        status = event.status();
        break;
      }
      self_->send(sink_,
                  HostSpoke{host_, number_, *std::move(event), message.cost});
    }
    if (!status.ok()) {
      End(std::string(status.message()));
    } else if (peer_closed()) {
      End("");
    }
  }

  void End(std::string text) {
    self_->send(sink_, LinkEnded{host_, number_, std::move(text)});
    self_->quit();
  }

  const HostId host_;
  const uint32_t number_;
  const HostSinkHandle sink_;
};

class NodeLinkActor : public LinkEnd<NodeLinkHandle> {
 public:
  using Handle = NodeLinkHandle;
  static inline const char* name = "dist.node_link";

  NodeLinkActor(Self self, caf::io::connection_handle connection,
                LinkScribe* scribe, NodeSinkHandle sink,
                const LinkTimers& timers)
      : LinkEnd(self, connection, scribe, timers), sink_(std::move(sink)) {}

  Handle::behavior_type make_behavior() {
    return {
        [this](const caf::io::new_data_msg& e) { OnData(e); },
        [this](const caf::io::data_transferred_msg&) {
          OnWritten();
          NoteDropped();
        },
        [this](const caf::io::connection_closed_msg&) { End("closed"); },
        [this](const EventMessage& e) { OnEvent(e); },
        [this](const SendFramed& e) { Queue(e.message); },
        [this](const Consumed& e) { Consume(e); },
        [this](CloseLink) { Close(); },
        [this](Tick) {
          const absl::Status status = OnTick();
          if (!status.ok()) End(std::string(status.message()));
        },
    };
  }

 private:
  void OnEvent(const EventMessage& e) {
    const auto* output = std::get_if<OutputWritten>(&e.event);
    if (output == nullptr) {
      Queue(ChannelOf(e.event), Encode(e.event));
      return;
    }
    NoteDropped();
    if (queued() < kMaxQueuedOutput) {
      Queue(Channel::kOutput, Encode(e.event));
    } else {
      dropped_ += output->bytes.size();
      dropped_of_ = output->worker;
    }
  }

  // Says what is missing, once there is room for it.
  void NoteDropped() {
    if (dropped_ == 0 || queued() >= kMaxQueuedOutput) return;
    OutputWritten note{dropped_of_,
                       absl::StrCat("\n[", std::exchange(dropped_, 0),
                                    " bytes of output were dropped here]\n")};
    Queue(Channel::kOutput, Encode(NodeEvent(std::move(note))));
  }

  void OnData(const caf::io::new_data_msg& e) {
    std::vector<LinkMessage> messages;
    absl::Status status = Receive(e, &messages);
    for (LinkMessage& message : messages) {
      absl::StatusOr<NodeCommand> command = Decode<NodeCommand>(message.bytes);
      if (!command.ok()) {
        status = command.status();
        break;
      }
      self_->send(sink_, CommandMessage{*std::move(command), message.cost});
    }
    if (!status.ok()) {
      End(std::string(status.message()));
    } else if (peer_closed()) {
      End("");
    }
  }

  void End(std::string text) {
    self_->send(sink_, LinkEnded{HostId(), 0, std::move(text)});
    self_->quit();
  }

  const NodeSinkHandle sink_;
  size_t dropped_ = 0;
  WorkerId dropped_of_;
};

}  // namespace

LinkTimers HostLinkTimers() { return LinkTimers(); }

LinkTimers NodeLinkTimers() {
  LinkTimers timers;
  timers.silent = absl::Seconds(20);
  return timers;
}

CommandLinkHandle SpawnHostLink(caf::actor_system& system, LinkSocket socket,
                                HostId host, uint32_t connection,
                                HostSinkHandle sink, const LinkTimers& timers) {
  const auto scribe = MakeScribe(system, std::move(socket));
  return SpawnBroker<HostLinkActor>(system, scribe, scribe.get(), host,
                                    connection, std::move(sink), timers);
}

EventLinkHandle SpawnNodeLink(caf::actor_system& system, LinkSocket socket,
                              NodeSinkHandle sink, const LinkTimers& timers) {
  const auto scribe = MakeScribe(system, std::move(socket));
  return SpawnBroker<NodeLinkActor>(system, scribe, scribe.get(),
                                    std::move(sink), timers);
}

}  // namespace dist
