#include "transports/warden.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/time/time.h"
#include "transports/sweep.h"

namespace dist {
namespace {

constexpr absl::Duration kCleanUp = absl::Seconds(5);

// The link's end is seen when nobody has its descriptors any more.
void LetGoOfStdio() {
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int fd : {0, 1, 2}) {
    if (null < 0) {
      close(fd);
    } else if (null != fd) {
      dup2(null, fd);
    }
  }
}

int WaitForEnd(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

[[noreturn]] void EndLike(int status) {
  if (WIFSIGNALED(status)) {
    const rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);  // There is one of the child, if wanted.
    signal(WTERMSIG(status), SIG_DFL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, WTERMSIG(status));
    sigprocmask(SIG_UNBLOCK, &set, nullptr);
    kill(getpid(), WTERMSIG(status));
  }
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 3);
}

}  // namespace

void StandWarden() {
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return;
  const pid_t self = getpid();
  const pid_t child = fork();
  if (child < 0) return;
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != self) _exit(3);
    return;
  }
  LetGoOfStdio();
  const int status = WaitForEnd(child);
  if (WIFSIGNALED(status)) KillDescendants(kCleanUp, {});
  EndLike(status);
}

}  // namespace dist
