#include "transports/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

extern char** environ;

namespace dist {
namespace {

// What the child could not do; sent through a pipe that exec closes.
struct ChildError {
  int error = 0;
  char call[16] = {};
};

[[noreturn]] void Fail(int report_fd, const char* call) {
  ChildError failure;
  failure.error = errno;
  strncpy(failure.call, call, sizeof(failure.call) - 1);
  (void)!write(report_fd, &failure, sizeof(failure));
  _exit(127);
}

void ResetSignals() {
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) {
    sigaction(signal, &action, nullptr);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Moves our descriptors to the child's numbers. They are first lifted out of
// the way, because the two sets may overlap.
void MapDescriptors(const std::vector<std::pair<int, int>>& fds, int report_fd,
                    int first_free) {
  bool has_stdin = false;
  std::vector<int> lifted;
  for (const auto& [ours, theirs] : fds) {
    lifted.push_back(fcntl(ours, F_DUPFD_CLOEXEC, first_free));
    if (lifted.back() < 0) Fail(report_fd, "dup");
    has_stdin = has_stdin || theirs == 0;
  }
  for (size_t i = 0; i < fds.size(); ++i) {
    if (dup2(lifted[i], fds[i].second) < 0) Fail(report_fd, "dup2");
  }
  if (!has_stdin) {
    const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0 || dup2(null, 0) < 0) Fail(report_fd, "/dev/null");
  }
}

void CloseOthers(int from) {
#ifdef SYS_close_range
  constexpr unsigned kCloseOnExec = 1u << 2;
  if (syscall(SYS_close_range, from, ~0u, kCloseOnExec) == 0) return;
#endif
  for (int fd = from; fd < 1024; ++fd) {
    const int flags = fcntl(fd, F_GETFD);
    if (flags >= 0) fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
  }
}

void MakeFolders(const std::string& path) {
  for (size_t i = 1; i <= path.size(); ++i) {
    if (i == path.size() || path[i] == '/') {
      mkdir(path.substr(0, i).c_str(), 0777);
    }
  }
}

[[noreturn]] void RunChild(const SpawnRequest& request, int report_fd,
                           const std::string& program, char** argv,
                           char** env, pid_t parent) {
  setsid();
  ResetSignals();
  if (request.die_with_parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);  // It died before the line above.
  }
  int highest = 2;
  for (const auto& [ours, theirs] : request.fds) {
    highest = std::max(highest, theirs);
  }
  // The report pipe must survive the mapping as well.
  const int report = fcntl(report_fd, F_DUPFD_CLOEXEC, highest + 1);
  if (report < 0) Fail(report_fd, "dup");
  MapDescriptors(request.fds, report, highest + 1);
  CloseOthers(highest + 1);
  if (!request.cwd.empty()) {
    if (chdir(request.cwd.c_str()) != 0) {
      MakeFolders(request.cwd);
      if (chdir(request.cwd.c_str()) != 0) Fail(report, "chdir");
    }
  }
  errno = 0;
  if (request.nice != 0 && nice(request.nice) == -1 && errno != 0) {
    Fail(report, "nice");
  }
  execve(program.c_str(), argv, env);
  Fail(report, "exec");
}

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& s : strings) {
    pointers.push_back(const_cast<char*>(s.c_str()));
  }
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

absl::StatusOr<pid_t> Spawn(const SpawnRequest& request) {
  const std::string program =
      FindProgram(request.argv[0], GetVariable("PATH", request.env));
  if (program.empty()) {
    return absl::NotFoundError(absl::StrCat(request.argv[0], ": not found"));
  }
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) {
    return absl::ResourceExhaustedError(absl::StrCat("pipe: ", strerror(errno)));
  }
  std::vector<char*> argv = Pointers(request.argv);
  std::vector<char*> env = Pointers(request.env);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) {
    RunChild(request, report[1], program, argv.data(), env.data(), parent);
  }
  const int fork_error = errno;
  close(report[1]);
  ChildError failure;
  ssize_t got = 0;
  if (pid > 0) {
    do {
      got = read(report[0], &failure, sizeof(failure));
    } while (got < 0 && errno == EINTR);
  }
  close(report[0]);
  if (pid < 0) {
    return absl::ResourceExhaustedError(
        absl::StrCat("fork: ", strerror(fork_error)));
  }
  if (got == sizeof(failure)) {
    waitpid(pid, nullptr, 0);
    return absl::FailedPreconditionError(
        absl::StrCat(request.argv[0], ": ", failure.call, ": ",
                     strerror(failure.error)));
  }
  return pid;
}

std::vector<std::string> Environment() {
  std::vector<std::string> env;
  for (char** e = environ; *e != nullptr; ++e) env.emplace_back(*e);
  return env;
}

void UnsetVariable(const std::string& name, std::vector<std::string>* env) {
  const std::string prefix = name + "=";
  env->erase(std::remove_if(env->begin(), env->end(),
                            [&](const std::string& entry) {
                              return entry.compare(0, prefix.size(), prefix) ==
                                     0;
                            }),
             env->end());
}

void SetVariable(const std::string& name, const std::string& value,
                 std::vector<std::string>* env) {
  UnsetVariable(name, env);
  env->push_back(absl::StrCat(name, "=", value));
}

std::string GetVariable(const std::string& name,
                        const std::vector<std::string>& env) {
  const std::string prefix = name + "=";
  for (const std::string& entry : env) {
    if (entry.compare(0, prefix.size(), prefix) == 0) {
      return entry.substr(prefix.size());
    }
  }
  return "";
}

std::string FindProgram(const std::string& name, const std::string& path) {
  if (name.find('/') != std::string::npos) return name;
  const std::vector<std::string> found = FindPrograms({name}, path);
  return found.empty() ? "" : found[0];
}

std::vector<std::string> FindPrograms(const std::vector<std::string>& names,
                                      const std::string& path) {
  std::vector<std::string> found;
  for (absl::string_view folder : absl::StrSplit(path, ':')) {
    for (const std::string& name : names) {
      const std::string file =
          absl::StrCat(folder.empty() ? "." : folder, "/", name);
      struct stat info;
      if (stat(file.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
          access(file.c_str(), X_OK) == 0) {
        found.push_back(file);
      }
    }
  }
  return found;
}

}  // namespace dist
