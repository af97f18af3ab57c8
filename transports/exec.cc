#include "transports/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "transports/kept_children.h"
#include "transports/processes.h"
#include "transports/spawn.h"

namespace dist {
namespace {

// How `pid` ended, without reaping it: others wait for it, too.
std::string EndOf(pid_t pid) {
  siginfo_t info = {};
  if (waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
      info.si_pid == 0) {
    return "it ended";
  }
  const bool exited = info.si_code == CLD_EXITED;
  return DescribeEnd(exited ? info.si_status << 8 : info.si_status);
}

// False: there is no more.
bool ReadSome(int fd, StreamWitness* witness) {
  char buffer[4096];
  const ssize_t n = read(fd, buffer, sizeof(buffer));
  if (n > 0) witness->AddWords({buffer, static_cast<size_t>(n)});
  return n > 0 || (n < 0 && errno == EINTR);
}

// Until the process has ended: its children may keep its stderr open.
void Watch(int words, int process, pid_t pid,
           const std::shared_ptr<StreamWitness>& witness) {
  fcntl(words, F_SETFL, O_NONBLOCK);
  pollfd fds[] = {{words, POLLIN, 0}, {process, POLLIN, 0}};
  while (fds[1].revents == 0) {
    if (poll(fds, 2, -1) < 0 && errno != EINTR) break;
    if (fds[0].revents != 0 && !ReadSome(words, witness.get())) {
      fds[0].fd = -1;
    }
  }
  while (ReadSome(words, witness.get())) {
  }
  witness->SetEnd(EndOf(pid));
  close(words);
  close(process);
}

}  // namespace

absl::StatusOr<Stream> OpenExecStream(const std::string& command) {
  int ends[2];
  int words[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return absl::ResourceExhaustedError(
        absl::StrCat("socketpair: ", strerror(errno)));
  }
  if (pipe2(words, O_CLOEXEC) != 0) {
    close(ends[0]);
    close(ends[1]);
    return absl::ResourceExhaustedError(
        absl::StrCat("pipe: ", strerror(errno)));
  }
  SpawnRequest request;
  request.argv = {"/bin/sh", "-c", command};
  request.env = Environment();
  // An interpreter of this machine.
  UnsetVariable("VIRTUAL_ENV", &request.env);
  request.fds = {{ends[1], 0}, {ends[1], 1}, {words[1], 2}};
  const absl::StatusOr<pid_t> pid = SpawnKept(request);
  close(ends[1]);
  close(words[1]);
  if (!pid.ok()) {
    close(ends[0]);
    close(words[0]);
    return pid.status();
  }
  Stream stream{ends[0], *pid, std::make_shared<StreamWitness>()};
  const int process = static_cast<int>(syscall(SYS_pidfd_open, *pid, 0));
  std::thread([witness = stream.witness, words = words[0], process,
               pid = *pid] {
    Watch(words, process, pid, witness);
  }).detach();
  return stream;
}

}  // namespace dist
