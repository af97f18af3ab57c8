#include "transports/ssh/run_program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "transports/kept_children.h"
#include "transports/wait.h"

namespace dist {
namespace {

constexpr size_t kMost = 1 << 20;

absl::Status MakePipe(OwnedFd* read_end, OwnedFd* write_end) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return absl::ResourceExhaustedError(
        absl::StrCat("pipe: ", strerror(errno)));
  }
  *read_end = OwnedFd(ends[0]);
  *write_end = OwnedFd(ends[1]);
  return absl::OkStatus();
}

// Reads both until they end. stderr is drained as it comes, since a program
// that cannot write it would not go on.
absl::Status ReadBoth(OwnedFd* out, OwnedFd* err, const Patience& patience,
                      ProgramResult* result) {
  SetNonBlocking(out->get());
  SetNonBlocking(err->get());
  char buffer[16 << 10];
  const auto drain = [&](OwnedFd* fd, std::string* text) {
    while (fd->get() >= 0) {
      const ssize_t n = read(fd->get(), buffer, sizeof(buffer));
      if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (n <= 0) return fd->Reset();
      if (text->size() < kMost) text->append(buffer, n);
    }
  };
  while (out->get() >= 0) {
    DIST_RETURN_IF_ERROR(
        WaitAtMost(out->get(), POLLIN, absl::Milliseconds(50), patience));
    drain(out, &result->out);
    drain(err, &result->err);
  }
  while (err->get() >= 0) {
    DIST_RETURN_IF_ERROR(WaitFor(err->get(), POLLIN, patience));
    drain(err, &result->err);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ProgramResult> RunProgram(const std::vector<std::string>& argv,
                                         const Patience& patience) {
  OwnedFd out, out_write, err, err_write;
  DIST_RETURN_IF_ERROR(MakePipe(&out, &out_write));
  DIST_RETURN_IF_ERROR(MakePipe(&err, &err_write));
  SpawnRequest request;
  request.argv = argv;
  request.env = Environment();
  request.fds = {{out_write.get(), 1}, {err_write.get(), 2}};
  DIST_ASSIGN_OR_RETURN(const pid_t pid, SpawnKept(request));
  out_write.Reset();
  err_write.Reset();
  ProgramResult result;
  const absl::Status read = ReadBoth(&out, &err, patience, &result);
  if (!read.ok()) kill(-pid, SIGKILL);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  DIST_RETURN_IF_ERROR(read);
  result.status =
      WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

}  // namespace dist
