#include "transports/ssh/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <mutex>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "transports/terminal.h"
#include "transports/wait.h"

namespace dist {
namespace {

// Turns the echo off while it lives.
class NoEcho {
 public:
  explicit NoEcho(int tty) : tty_(tty) {
    if (tcgetattr(tty, &before_) != 0) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL);
    ok_ = tcsetattr(tty, TCSAFLUSH, &quiet) == 0;
  }
  ~NoEcho() {
    if (ok_) tcsetattr(tty_, TCSAFLUSH, &before_);
  }
  bool ok() const { return ok_; }

 private:
  const int tty_;
  termios before_ = {};
  bool ok_ = false;
};

// Takes away what the current line has: a status, perhaps.
absl::string_view FreshLine() {
  const char* const type = getenv("TERM");
  const bool dumb = type == nullptr || absl::string_view(type) == "dumb";
  return dumb ? "\n" : "\r\x1b[K";
}

}  // namespace

absl::StatusOr<std::string> AskSecret(absl::string_view question,
                                      const Patience& patience) {
  const OwnedFd tty(open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (tty.get() < 0 || tcgetpgrp(tty.get()) != getpgrp()) {
    return absl::FailedPreconditionError("no terminal to ask on");
  }
  std::unique_lock<std::timed_mutex> turn(TerminalTurn(), std::defer_lock);
  DIST_RETURN_IF_ERROR(Lock(&turn, patience));
  const OpenQuestion question_is_open;
  const NoEcho no_echo(tty.get());
  if (!no_echo.ok()) {
    return absl::FailedPreconditionError("no terminal to ask on");
  }
  const absl::string_view fresh_line = FreshLine();
  const std::string words = absl::StrCat(fresh_line, question);
  (void)!write(tty.get(), words.data(), words.size());
  absl::Status status = WaitFor(tty.get(), POLLIN, patience);
  std::string line;
  if (status.ok()) {
    // In canonical mode a line comes whole.
    char buffer[1024];
    const ssize_t n = read(tty.get(), buffer, sizeof(buffer));
    if (n <= 0) status = absl::FailedPreconditionError("no answer");
    if (n > 0) line.assign(buffer, n);
    explicit_bzero(buffer, sizeof(buffer));
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) {
      line.pop_back();
    }
  }
  // Gone again, so that whatever was on the screen finds its place.
  (void)!write(tty.get(), fresh_line.data(), fresh_line.size());
  if (!status.ok()) return status;
  return line;
}

}  // namespace dist
