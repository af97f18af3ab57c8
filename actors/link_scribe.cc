#include "actors/link_scribe.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <caf/actor_system.hpp>
#include <caf/io/all.hpp>
#include <caf/io/network/default_multiplexer.hpp>
#include <caf/io/network/stream.hpp>
#include <caf/policy/tcp.hpp>
#include <memory>
#include <string>
#include <utility>

namespace dist {
namespace {

using caf::io::network::default_multiplexer;
using caf::io::network::native_socket;
using caf::io::network::operation;
using caf::io::network::rw_state;

// How CAF's streams read (as caf::policy::tcp does from plain sockets).
class SecuredReads {
 public:
  explicit SecuredReads(SecuredLink* link) : link_(link) {}

  rw_state read_some(size_t& result, native_socket, void* data, size_t size) {
    result = 0;
    if (size == 0) return rw_state::success;
    const auto moved = link_->Read(static_cast<char*>(data), size);
    if (!moved.ok()) {
      link_->witness.SetEnd(std::string(moved.status().message()));
      failed_ = true;
      return rw_state::failure;
    }
    result = *moved;
    return rw_state::success;
  }

  // LinkStream writes by itself.
  rw_state write_some(size_t&, native_socket, const void*, size_t) {
    return rw_state::failure;
  }

  // The socket is not readable for what has been decrypted already.
  bool must_read_more(native_socket, size_t) {
    return !failed_ && link_->pending() > 0;
  }

  bool failed() const { return failed_; }

 private:
  SecuredLink* const link_;
  bool failed_ = false;
};

// Reads as CAF's streams do, and writes a LinkOutput.
class LinkStream : public caf::io::network::stream {
 public:
  // `manager` owns it.
  LinkStream(default_multiplexer& multiplexer, LinkSocket socket,
             caf::io::network::stream_manager* manager)
      : stream(multiplexer, socket.fd),
        link_(std::move(socket.secured)),
        manager_(manager) {}
  ~LinkStream() override {
    if (link_ != nullptr) link_->Finish();
  }

  LinkOutput& output() { return output_; }

  void handle_event(operation op) override {
    if (op == operation::write && !output_.empty()) {
      WriteSome();
      // What came while it was written: the socket does not tell.
      if (link_ != nullptr && link_->pending() > 0) Receive(operation::read);
    } else if (op == operation::write) {
      Receive(operation::read);  // Sends what the link has of its own.
    } else {
      Receive(op);
    }
    Update();
  }

  void removed_from_loop(operation op) override {
    if (op == operation::write) writer_.reset();
    if (op == operation::read) readable_ = false;
    stream::removed_from_loop(op);
  }

  void graceful_shutdown() override {
    leaving_ = true;
    Update();
  }

  // Has the multiplexer tell when it can write, if there is something that it
  // could; or takes its leave, if that has been waiting for this.
  void Update() {
    const bool blocked = link_ != nullptr && link_->blocked();
    const bool unsent = link_ != nullptr && !leaving_ && link_->unsent();
    const bool wanted =
        !failed_ && !ended_ && ((!output_.empty() && !blocked) || unsent);
    if (wanted && !state_.writing) {
      writer_.reset(manager_);
      backend().add(operation::write, fd(), this);
    } else if (!wanted && state_.writing) {
      backend().del(operation::write, fd(), this);
    }
    state_.writing = wanted;
    if (!leaving_ || wanted || std::exchange(ended_, true)) return;
    if (link_ == nullptr) {
      shutdown(fd(), SHUT_WR);
    } else {
      link_->Finish();
    }
  }

 private:
  void Receive(operation op) {
    if (failed_ || !readable_) return;
    if (link_ == nullptr) {
      caf::policy::tcp plain;
      handle_event_impl(op, plain);
    } else {
      SecuredReads reads(link_.get());
      handle_event_impl(op, reads);
      failed_ = failed_ || reads.failed();
    }
  }

  void WriteSome() {
    const absl::StatusOr<size_t> moved =
        link_ == nullptr ? WritePlain() : WriteSecured();
    if (!moved.ok()) {
      failed_ = true;
      if (link_ != nullptr) {
        link_->witness.SetEnd(std::string(moved.status().message()));
      }
      writer_->io_failure(&backend(), operation::write);
      passivate();  // Or what comes would wake us again and again.
      return;
    }
    output_.Drop(*moved);
    if (state_.ack_writes && *moved > 0) {
      writer_->data_transferred(&backend(), *moved, output_.size());
    }
  }

  absl::StatusOr<size_t> WritePlain() {
    std::array<iovec, 16> pieces;
    const size_t count = std::min(pieces.size(), output_.pieces());
    for (size_t i = 0; i < count; ++i) {
      const absl::string_view piece = output_.piece(i);
      pieces[i] = {const_cast<char*>(piece.data()), piece.size()};
    }
    msghdr message = {};
    message.msg_iov = pieces.data();
    message.msg_iovlen = count;
    const ssize_t n = sendmsg(fd(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) return static_cast<size_t>(n);
    if (errno == EAGAIN || errno == EINTR) return 0;
    return absl::UnavailableError("closed by the other side");
  }

  // A record a call would be an event of the multiplexer's for each 16 KiB.
  absl::StatusOr<size_t> WriteSecured() {
    size_t done = 0;
    for (size_t i = 0; i < output_.pieces(); ++i) {
      absl::string_view piece = output_.piece(i);
      while (!piece.empty()) {
        const auto moved = link_->Write(piece.data(), piece.size());
        if (!moved.ok()) return moved.status();
        if (*moved == 0) return done;
        piece.remove_prefix(*moved);
        done += *moved;
      }
    }
    return done;
  }

  const std::shared_ptr<SecuredLink> link_;  // May be null.
  caf::io::network::stream_manager* const manager_;
  LinkOutput output_;
  manager_ptr writer_;    // The manager, while this waits to write.
  bool readable_ = true;  // Until it has left the loop.
  bool failed_ = false;   // Nothing can be written any more.
  bool leaving_ = false;  // What is there is written, and then
  bool ended_ = false;    // the other side is told so.
};

class Scribe : public LinkScribe {
 public:
  Scribe(default_multiplexer& multiplexer, LinkSocket socket)
      : LinkScribe(caf::io::network::conn_hdl_from_socket(socket.fd)),
        stream_(multiplexer, std::move(socket), this) {}

  LinkOutput& output() override { return stream_.output(); }
  void configure_read(caf::io::receive_policy::config config) override {
    stream_.configure_read(config);
    if (!std::exchange(started_, true)) stream_.start(this);
  }
  void ack_writes(bool enable) override { stream_.ack_writes(enable); }
  std::vector<char>& wr_buf() override { return stream_.wr_buf(); }
  std::vector<char>& rd_buf() override { return stream_.rd_buf(); }
  void flush() override { stream_.Update(); }
  void graceful_shutdown() override {
    stream_.graceful_shutdown();
    detach(&stream_.backend(), false);
  }
  std::string addr() const override { return ""; }
  uint16_t port() const override { return 0; }
  void add_to_loop() override { stream_.activate(this); }
  void remove_from_loop() override { stream_.passivate(); }

 private:
  bool started_ = false;
  LinkStream stream_;
};

}  // namespace

caf::intrusive_ptr<LinkScribe> MakeScribe(caf::actor_system& system,
                                          LinkSocket socket) {
  // There is no other in this program (actors/system.cc).
  auto& multiplexer =
      dynamic_cast<default_multiplexer&>(system.middleman().backend());
  return caf::make_counted<Scribe>(multiplexer, std::move(socket));
}

}  // namespace dist
