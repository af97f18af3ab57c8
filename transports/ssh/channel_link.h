// A channel of an ssh session, tied to a local socket, or read and written
// itself.
#ifndef DIST_TRANSPORTS_SSH_CHANNEL_LINK_H_
#define DIST_TRANSPORTS_SSH_CHANNEL_LINK_H_

#include <libssh/callbacks.h>
#include <libssh/libssh.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "transports/owned_fd.h"
#include "transports/ssh/session.h"
#include "transports/stream.h"

namespace dist {

// Moves bytes both ways, each at the pace of whoever reads them. Ends of input
// are passed on one by one. Made by whoever logs in, then owned by the pump's
// thread, or by whoever takes it from there; never used by two threads at once.
class ChannelLink {
 public:
  // `witness` hears what the command writes to stderr, and how it ends.
  ChannelLink(SshSession session, std::shared_ptr<StreamWitness> witness);
  ~ChannelLink();
  ChannelLink(const ChannelLink&) = delete;
  ChannelLink& operator=(const ChannelLink&) = delete;

  ssh_session session() const { return session_.get(); }
  // Takes a new channel, before anything is requested on it: what is said of it
  // from then on is heard. Its bytes stay in the session until Begin.
  void Listen(ssh_channel channel);

  // ---- While it is tied: all is the pump's ----

  void Begin(OwnedFd local);
  // Does all that can be done now. `ssh` says that the session's socket is
  // ready, `hung_up` that the other end of the local one was closed.
  void Serve(bool ssh, bool hung_up);
  bool done() const { return done_; }
  // When Serve must be called even if no socket is ready.
  absl::Time wake_at() const { return std::min(end_due_, leave_due_); }

  // Nothing more is written to the local socket: once all of that is with the
  // session, the link has parted and may be untied.
  void Part();
  bool parted() const { return parted_ && !done_; }
  OwnedFd Untie();

  int ssh_fd() const { return ssh_get_fd(session_.get()); }
  int local_fd() const { return local_.get(); }
  bool hung_up() const { return hung_up_; }
  // What to wait for, in words of epoll(7).
  uint32_t SshInterest() const;
  uint32_t LocalInterest() const;

  // ---- While it is not: as of SecuredLink (transports/stream.h) ----

  absl::StatusOr<size_t> Read(char* data, size_t size);
  absl::StatusOr<size_t> Write(const char* data, size_t size);
  bool unread() const { return behind_; }
  // The session has bytes that its socket had no room for.
  bool unsent() const { return WritesQueued(); }

 private:
  static int OnData(ssh_session, ssh_channel, void* data, uint32_t size,
                    int is_stderr, void* self);
  static void OnExitStatus(ssh_session, ssh_channel, int status, void* self);
  static void OnExitSignal(ssh_session, ssh_channel, const char* signal,
                           int core, const char* message, const char* language,
                           void* self);
  static void OnClose(ssh_session, ssh_channel, void* self);

  void PollSession();
  void WidenWhenDue();
  void ToLocal();
  void FromLocal();
  bool pending() const { return pending_done_ < pending_size_; }
  bool WritePending();
  void Widen();
  void PassEnds();
  void Leave();
  bool WritesQueued() const;
  bool TooFarBehind() const;
  // Sends to the local socket, or fills what Read() was given; returns how much
  // was taken.
  size_t Deliver(const char* data, size_t size);

  SshSession session_;
  std::shared_ptr<StreamWitness> witness_;
  ssh_channel channel_ = nullptr;  // The session's.
  ssh_channel_callbacks_struct callbacks_ = {};
  ssh_event event_ = nullptr;
  OwnedFd local_;

  // To the local socket. While behind_, bytes wait in tail_ and, behind it, in
  // the session, where they use up the window we have granted.
  bool behind_ = true;
  size_t backlog_ = 0;       // What waits in the session.
  bool was_behind_ = false;  // Since the window was last widened.
  std::string tail_;
  size_t tail_done_ = 0;
  uint64_t delivered_ = 0;
  uint64_t widened_at_ = 0;
  uint32_t window_;
  bool reader_gone_ = false;
  bool end_passed_ = false;  // To the local socket.
  // What is left of what Read() was given.
  char* room_ = nullptr;
  size_t room_size_ = 0;
  bool polled_ = false;  // Nothing more comes from the session for now.

  // From the local socket.
  std::unique_ptr<char[]> pending_;  // A piece of them.
  size_t pending_size_ = 0;
  size_t pending_done_ = 0;
  bool local_ended_ = false;
  bool hung_up_ = false;
  bool leaving_ = false;
  bool parting_ = false;
  bool parted_ = false;
  bool eof_sent_ = false;
  bool close_sent_ = false;
  bool remote_closed_ = false;

  bool broken_ = false;  // The session is.
  bool done_ = false;
  absl::Time end_due_ = absl::InfiniteFuture();    // To pass the end on.
  absl::Time leave_due_ = absl::InfiniteFuture();  // To give up.
};

}  // namespace dist

#endif  // DIST_TRANSPORTS_SSH_CHANNEL_LINK_H_
