#include "actors/secured_scribe.h"

#include <caf/actor_system.hpp>
#include <caf/io/all.hpp>
#include <caf/io/network/default_multiplexer.hpp>
#include <caf/io/network/stream_impl.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace dist {
namespace {

using caf::io::network::default_multiplexer;
using caf::io::network::native_socket;
using caf::io::network::rw_state;

// How CAF's streams move bytes (as caf::policy::tcp does for plain sockets).
class SecuredPolicy {
 public:
  explicit SecuredPolicy(std::shared_ptr<SecuredLink> link)
      : link_(std::move(link)) {}
  SecuredPolicy(SecuredPolicy&&) = default;
  ~SecuredPolicy() {
    if (link_ != nullptr && !failed_) link_->Finish();
  }

  rw_state read_some(size_t& result, native_socket, void* data, size_t size) {
    result = 0;
    if (size == 0) return rw_state::success;
    const auto moved = link_->Read(static_cast<char*>(data), size);
    if (!moved.ok()) return Fail(moved.status());
    result = *moved;
    return rw_state::success;
  }

  // A record a call would be an event of the multiplexer's for each 16 KiB.
  rw_state write_some(size_t& result, native_socket, const void* data,
                      size_t size) {
    result = 0;
    while (result < size) {
      const auto moved =
          link_->Write(static_cast<const char*>(data) + result, size - result);
      if (!moved.ok()) return Fail(moved.status());
      if (*moved == 0) break;
      result += *moved;
    }
    return rw_state::success;
  }

  // The socket is not readable for what has been decrypted already.
  bool must_read_more(native_socket, size_t) {
    return !failed_ && link_->pending() > 0;
  }

 private:
  rw_state Fail(const absl::Status& how) {
    failed_ = true;
    link_->witness.SetEnd(std::string(how.message()));
    return rw_state::failure;
  }

  std::shared_ptr<SecuredLink> link_;
  bool failed_ = false;
};

class SecuredScribe : public caf::io::scribe {
 public:
  SecuredScribe(default_multiplexer& multiplexer, native_socket fd,
                std::shared_ptr<SecuredLink> link)
      : scribe(caf::io::network::conn_hdl_from_socket(fd)),
        stream_(multiplexer, fd, std::move(link)) {}

  void configure_read(caf::io::receive_policy::config config) override {
    stream_.configure_read(config);
    if (!std::exchange(started_, true)) stream_.start(this);
  }
  void ack_writes(bool enable) override { stream_.ack_writes(enable); }
  std::vector<char>& wr_buf() override { return stream_.wr_buf(); }
  std::vector<char>& rd_buf() override { return stream_.rd_buf(); }
  void flush() override { stream_.flush(this); }
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
  caf::io::network::stream_impl<SecuredPolicy> stream_;
};

}  // namespace

caf::io::scribe_ptr MakeScribe(caf::actor_system& system, LinkSocket socket) {
  caf::io::network::multiplexer& backend = system.middleman().backend();
  if (socket.secured == nullptr) return backend.new_scribe(socket.fd);
  // There is no other in this program (actors/system.cc).
  auto& multiplexer = dynamic_cast<default_multiplexer&>(backend);
  return caf::make_counted<SecuredScribe>(multiplexer, socket.fd,
                                          std::move(socket.secured));
}

}  // namespace dist
