#include "transports/ssh/channel_link.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "transports/ssh/words.h"
#include "transports/wait.h"

namespace dist {
namespace {

// What libssh puts into one packet for OpenSSH. A few bytes more would be one
// by themselves, which costs as much.
constexpr size_t kPacket = (32 << 10) - 10;
constexpr size_t kPiece = 2 * kPacket;
// libssh takes all that it is given, whether its socket has room or not.
constexpr size_t kMostWritten = 4 * kPacket;
// libssh by itself grants 1.28 MB, and again only when half of that is used up:
// 12 MB/s at 50 ms. A window doubles while it, and not the reader, is the
// limit.
constexpr uint32_t kFirstWindow = 2 << 20;
constexpr uint32_t kMostWindow = 16 << 20;
// With more than that waiting for the local reader, the connection is not read:
// libssh moves all that waits whenever a packet is added to it.
constexpr size_t kMostBacklog = 256 << 10;
constexpr int kSocketBuffer = 1 << 20;  // The kernel may give less.
// sshd says that stdout has ended before it says how the command did. Whoever
// reads the end wants to know that, too.
constexpr absl::Duration kWaitForStatus = absl::Milliseconds(200);
// When the local end was closed: for what is still to be sent, then for the
// host's answer.
constexpr absl::Duration kWaitForSending = absl::Seconds(10);
constexpr absl::Duration kWaitForClose = absl::Seconds(2);
// Rounds of one session before others get their turn.
constexpr int kMostRounds = 16;

// Room for what comes in while a window is widened. libssh wants a buffer as
// large as the window, and fills next to nothing of it: untouched, it takes no
// memory.
char* Scratch() {
  // Several threads have links.
  struct Room {
    char* const at = static_cast<char*>(
        mmap(nullptr, kMostWindow, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    ~Room() { munmap(at, kMostWindow); }
  };
  thread_local const Room room;
  return room.at;
}

}  // namespace

ChannelLink::ChannelLink(SshSession session,
                         std::shared_ptr<StreamWitness> witness)
    : session_(std::move(session)),
      witness_(std::move(witness)),
      window_(kFirstWindow) {}

ChannelLink::~ChannelLink() {
  if (event_ != nullptr) {
    ssh_event_remove_session(event_, session_.get());
    ssh_event_free(event_);
  }
}

void ChannelLink::Listen(ssh_channel channel) {
  channel_ = channel;
  callbacks_.userdata = this;
  callbacks_.channel_data_function = OnData;
  callbacks_.channel_exit_status_function = OnExitStatus;
  callbacks_.channel_exit_signal_function = OnExitSignal;
  callbacks_.channel_close_function = OnClose;
  ssh_callbacks_init(&callbacks_);
  ssh_set_channel_callbacks(channel, &callbacks_);
}

void ChannelLink::Begin(OwnedFd local) {
  local_ = std::move(local);
  SetNonBlocking(local_.get());
  setsockopt(local_.get(), SOL_SOCKET, SO_SNDBUF, &kSocketBuffer,
             sizeof(kSocketBuffer));
  if (event_ == nullptr) {
    event_ = ssh_event_new();
    ssh_event_add_session(event_, session_.get());
  }
  Serve(true, false);
  Widen();
}

void ChannelLink::Serve(bool ssh, bool hung_up) {
  if (done_) return;
  if (hung_up && !hung_up_) {
    hung_up_ = true;
    // Half closed by either side looks like closed by the other. Then nothing
    // is left to carry, and the link waits for the command's end.
    leaving_ = !(local_ended_ && end_passed_);
    parting_ = parting_ && !leaving_;
  }
  if (ssh) PollSession();
  ToLocal();
  if (!broken_) FromLocal();
  WidenWhenDue();
  PassEnds();
}

void ChannelLink::WidenWhenDue() {
  if (broken_ || behind_ || delivered_ - widened_at_ < window_ / 4) return;
  if (!was_behind_) window_ = std::min(2 * window_, kMostWindow);
  was_behind_ = false;
  Widen();
}

// What waits in the socket can still be read.
void ChannelLink::Part() {
  parting_ = true;
  shutdown(local_.get(), SHUT_RD);
}

OwnedFd ChannelLink::Untie() {
  local_ended_ = parting_ = parted_ = false;
  return std::move(local_);
}

uint32_t ChannelLink::SshInterest() const {
  return (TooFarBehind() ? 0u : EPOLLIN) | (WritesQueued() ? EPOLLOUT : 0u);
}

uint32_t ChannelLink::LocalInterest() const {
  // While the session's socket is full, nothing more is taken from the local
  // one: libssh would queue it without limit.
  const bool can_take = !local_ended_ && !pending() && !WritesQueued() &&
                        ssh_channel_window_size(channel_) > 0;
  return (can_take ? EPOLLIN : 0u) | (behind_ ? EPOLLOUT : 0u);
}

bool ChannelLink::TooFarBehind() const {
  return behind_ && backlog_ >= kMostBacklog;
}

bool ChannelLink::WritesQueued() const {
  return (ssh_get_poll_flags(session_.get()) & SSH_WRITE_PENDING) != 0;
}

// ---- From the host ----------------------------------------------------------

int ChannelLink::OnData(ssh_session, ssh_channel, void* data, uint32_t size,
                        int is_stderr, void* self) {
  auto* link = static_cast<ChannelLink*>(self);
  const char* bytes = static_cast<const char*>(data);
  if (is_stderr != 0) {
    link->witness_->AddWords(absl::string_view(bytes, size));
    return static_cast<int>(size);
  }
  // What is left stays in the session, in order, and keeps its window small.
  link->backlog_ = size;
  if (link->behind_) return 0;
  const size_t taken = link->Deliver(bytes, size);
  link->backlog_ = size - taken;
  link->behind_ = taken < size;
  // Read() only ever takes a piece; whoever calls it soon takes the next.
  link->was_behind_ =
      link->was_behind_ || (link->behind_ && link->local_.get() >= 0);
  return static_cast<int>(taken);
}

void ChannelLink::OnExitStatus(ssh_session, ssh_channel, int status,
                               void* self) {
  auto* link = static_cast<ChannelLink*>(self);
  link->witness_->SetEnd(absl::StrCat("exit status ", status));
}

void ChannelLink::OnExitSignal(ssh_session, ssh_channel, const char* signal,
                               int core, const char* message,
                               const char* language, void* self) {
  auto* link = static_cast<ChannelLink*>(self);
  link->witness_->SetEnd(absl::StrCat(
      "killed by SIG", ForeignWords(signal == nullptr ? "?" : signal)));
}

void ChannelLink::OnClose(ssh_session, ssh_channel, void* self) {
  static_cast<ChannelLink*>(self)->remote_closed_ = true;
}

void ChannelLink::PollSession() {
  for (int i = 0; i < kMostRounds && !broken_; ++i) {
    const int result = ssh_event_dopoll(event_, 0);
    if (result == SSH_ERROR) broken_ = true;
    if (result == SSH_AGAIN) break;
    if (behind_) ToLocal();
    if (TooFarBehind()) break;
  }
  if (ssh_is_connected(session_.get()) == 0) broken_ = true;
  // The server may hold its next bytes until these are acknowledged (Nagle);
  // a delayed acknowledgement would cost 40 ms. Not a TCP socket: no effect.
  const int one = 1;
  if (ssh_fd() >= 0) {
    setsockopt(ssh_fd(), IPPROTO_TCP, TCP_QUICKACK, &one, sizeof(one));
  }
}

size_t ChannelLink::Deliver(const char* data, size_t size) {
  if (reader_gone_) return size;
  if (local_.get() < 0) {
    const size_t taken = std::min(size, room_size_);
    if (taken > 0) memcpy(room_, data, taken);
    room_ += taken;
    room_size_ -= taken;
    delivered_ += taken;
    return taken;
  }
  ssize_t n;
  do {
    n = send(local_.get(), data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (n < 0 && errno == EINTR);
  if (n < 0 && errno != EAGAIN) {
    reader_gone_ = true;
    return size;
  }
  const size_t taken = n < 0 ? 0 : static_cast<size_t>(n);
  delivered_ += taken;
  return taken;
}

void ChannelLink::ToLocal() {
  while (behind_) {
    if (tail_done_ < tail_.size()) {
      tail_done_ +=
          Deliver(tail_.data() + tail_done_, tail_.size() - tail_done_);
      if (tail_done_ < tail_.size()) return;
    }
    tail_.resize(kPiece);
    tail_done_ = 0;
    const int n =
        broken_ ? 0
                : ssh_channel_read_nonblocking(channel_, &tail_[0], kPiece, 0);
    tail_.resize(std::max(n, 0));
    backlog_ -= std::min(backlog_, tail_.size());
    if (n <= 0) {
      backlog_ = 0;
      behind_ = false;
      tail_ = std::string();
    }
  }
}

// libssh's one public way to a larger window: a read of that size.
void ChannelLink::Widen() {
  if (broken_ || behind_ || ssh_channel_poll(channel_, 0) != 0) return;
  widened_at_ = delivered_;
  const int n = ssh_channel_read_timeout(channel_, Scratch(), window_, 0, 0);
  if (n <= 0) return;
  tail_.assign(Scratch(), n);
  tail_done_ = 0;
  behind_ = true;
  ToLocal();
}

// ---- To the host ------------------------------------------------------------

// True: nothing is pending any more. A write may be short, or nothing at all,
// when the host's window is used up and while keys are exchanged anew; the rest
// is tried again when the session has had an event.
bool ChannelLink::WritePending() {
  while (pending()) {
    const int n =
        ssh_channel_write(channel_, &pending_[pending_done_],
                          static_cast<uint32_t>(pending_size_ - pending_done_));
    if (n == SSH_ERROR) {
      // The channel is closed, or the session broken: PassEnds finds out.
      pending_done_ = pending_size_;
      local_ended_ = true;
      break;
    }
    if (n <= 0) return false;
    pending_done_ += n;
  }
  return true;
}

void ChannelLink::FromLocal() {
  if (!WritePending()) return;
  while (!local_ended_ && !WritesQueued() &&
         ssh_channel_window_size(channel_) > 0) {
    if (pending_ == nullptr) pending_.reset(new char[kPiece]);
    const ssize_t n = recv(local_.get(), &pending_[0], kPiece, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
      local_ended_ = true;
    }
    pending_done_ = 0;
    pending_size_ = static_cast<size_t>(std::max<ssize_t>(n, 0));
    if (n <= 0) return;
    if (!WritePending()) return;
  }
}

// ---- Without a local socket -------------------------------------------------

absl::StatusOr<size_t> ChannelLink::Read(char* data, size_t size) {
  // CAF reads until nothing comes; to look twice is a system call.
  if (std::exchange(polled_, false) && !behind_) return 0;
  room_ = data;
  room_size_ = size;
  ToLocal();
  if (room_size_ > 0) {
    PollSession();
    ToLocal();
  }
  const size_t taken = size - room_size_;
  room_ = nullptr;
  room_size_ = 0;
  WidenWhenDue();
  if (taken > 0) {
    polled_ = !behind_;
    return taken;
  }
  if (behind_) return 0;
  if (broken_) {
    PassEnds();
    return absl::UnavailableError(witness_->end());
  }
  if (ssh_channel_is_closed(channel_) != 0 ||
      ssh_channel_is_eof(channel_) != 0) {
    return absl::UnavailableError("closed by the other side");
  }
  return 0;
}

absl::StatusOr<size_t> ChannelLink::Write(const char* data, size_t size) {
  if (WritesQueued()) PollSession();
  if (!broken_ && WritesQueued()) return 0;
  int n = SSH_ERROR;
  if (!broken_) {
    if (ssh_channel_window_size(channel_) == 0) return 0;
    n = ssh_channel_write(channel_, data,
                          static_cast<uint32_t>(std::min(size, kMostWritten)));
  }
  // Why, Read() finds out.
  if (n == SSH_ERROR) return absl::UnavailableError("closed by the other side");
  return static_cast<size_t>(std::max(n, 0));
}

// ---- Ends -------------------------------------------------------------------

void ChannelLink::PassEnds() {
  if (broken_) {
    witness_->SetEnd(
        absl::StrCat("connection lost: ", SessionWords(session_.get())));
    done_ = true;
    return;
  }
  // Once we have closed it, libssh calls the channel closed, though what we
  // sent may still be in its queue: then only the host's answer counts.
  const bool closed =
      close_sent_ ? remote_closed_ : ssh_channel_is_closed(channel_) != 0;
  if (closed && !behind_) {
    witness_->SetEnd("the host closed the channel");
    done_ = true;
    return;
  }
  if (ssh_channel_is_eof(channel_) != 0 && !behind_ && !end_passed_) {
    if (end_due_ == absl::InfiniteFuture()) {
      end_due_ = absl::Now() + kWaitForStatus;
    }
    if (!witness_->end().empty() || absl::Now() >= end_due_) {
      shutdown(local_.get(), SHUT_WR);
      end_passed_ = true;
      end_due_ = absl::InfiniteFuture();
    }
  }
  if (parting_) {
    parted_ = local_ended_ && !pending();
  } else if (local_ended_ && !pending() && !eof_sent_) {
    eof_sent_ = true;
    if (ssh_channel_send_eof(channel_) == SSH_ERROR) broken_ = true;
  }
  if (leaving_) Leave();
}

// Nobody is at the local end: what it wrote is still sent, then the channel is
// closed, and the answer awaited. Closing the connection at once would reset
// it if the host has just sent something, and drop what it has not read.
void ChannelLink::Leave() {
  reader_gone_ = true;
  const absl::Time now = absl::Now();
  // Once the channel is closed, sshd does not say any more how it ended.
  const bool awaits_status = end_due_ != absl::InfiniteFuture();
  if (eof_sent_ && !close_sent_ && !awaits_status) {
    close_sent_ = true;
    ssh_channel_close(channel_);
    leave_due_ = now + kWaitForClose;
  } else if (leave_due_ == absl::InfiniteFuture()) {
    leave_due_ = now + kWaitForSending;
  }
  if (now >= leave_due_) done_ = true;
}

}  // namespace dist
