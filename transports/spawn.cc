#include "transports/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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
enum class Step : int { kDescriptors, kFolder, kChdir, kNice, kExec };

struct ChildError {
  Step step = Step::kDescriptors;
  int error = 0;
};

// All that the child needs. It is a copy of one thread of many, which may hold
// any lock: from fork to exec it must not allocate.
struct Prepared {
  std::string program;
  std::vector<char*> argv;
  std::vector<char*> env;
  std::vector<std::string> folders;      // To make, outermost first.
  std::vector<std::pair<int, int>> fds;  // Ours is moved in the child.
  int highest = 2;                       // Of the child's descriptors.
  pid_t parent = 0;
};

[[noreturn]] void Fail(int report_fd, Step step) {
  const ChildError failure{step, errno};
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
void MapDescriptors(Prepared* prepared, int report_fd) {
  for (auto& fd : prepared->fds) {
    fd.first = fcntl(fd.first, F_DUPFD_CLOEXEC, prepared->highest + 1);
    if (fd.first < 0) Fail(report_fd, Step::kDescriptors);
  }
  for (int fd = 0; fd <= prepared->highest; ++fd) close(fd);
  for (int fd = 0; fd <= 2; ++fd) {
    // Takes the lowest number that is free, which is `fd`.
    const int flags = fd == 0 ? O_RDONLY : O_WRONLY;
    if (open("/dev/null", flags) != fd) Fail(report_fd, Step::kDescriptors);
  }
  for (const auto& [ours, theirs] : prepared->fds) {
    if (dup2(ours, theirs) < 0) Fail(report_fd, Step::kDescriptors);
  }
}

void CloseOthers(int from) {
#ifdef SYS_close_range
  constexpr unsigned kCloseOnExec = 1u << 2;
  if (syscall(SYS_close_range, from, ~0u, kCloseOnExec) == 0) return;
#endif
  const long limit = sysconf(_SC_OPEN_MAX);
  for (int fd = from; fd < limit; ++fd) {
    const int flags = fcntl(fd, F_GETFD);
    if (flags >= 0) fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
  }
}

void EnterFolder(const Prepared& prepared, const std::string& cwd,
                 int report_fd) {
  if (chdir(cwd.c_str()) == 0) return;
  for (const std::string& folder : prepared.folders) {
    if (mkdir(folder.c_str(), 0777) != 0 && errno != EEXIST &&
        access(folder.c_str(), F_OK) != 0) {
      Fail(report_fd, Step::kFolder);
    }
  }
  if (chdir(cwd.c_str()) != 0) Fail(report_fd, Step::kChdir);
}

[[noreturn]] void RunChild(const SpawnRequest& request, Prepared* prepared,
                           int report_fd) {
  setsid();
  ResetSignals();
  if (request.die_with_parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != prepared->parent) _exit(127);  // It died before that.
  }
  // The report pipe must survive the mapping as well.
  const int report = fcntl(report_fd, F_DUPFD_CLOEXEC, prepared->highest + 1);
  if (report < 0) Fail(report_fd, Step::kDescriptors);
  MapDescriptors(prepared, report);
  CloseOthers(prepared->highest + 1);
  if (!request.cwd.empty()) EnterFolder(*prepared, request.cwd, report);
  errno = 0;
  if (request.nice != 0 && nice(request.nice) == -1 && errno != 0) {
    Fail(report, Step::kNice);
  }
  execve(prepared->program.c_str(), prepared->argv.data(),
         prepared->env.data());
  Fail(report, Step::kExec);
}

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& s : strings) {
    pointers.push_back(const_cast<char*>(s.c_str()));
  }
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> FoldersOf(const std::string& path) {
  std::vector<std::string> folders;
  for (size_t i = 1; i <= path.size(); ++i) {
    if (i == path.size() || path[i] == '/')
      folders.push_back(path.substr(0, i));
  }
  return folders;
}

// A relative path means what it means to the caller, also when the child runs
// elsewhere.
std::string Absolute(const std::string& path) {
  char folder[PATH_MAX];
  if (path[0] == '/' || getcwd(folder, sizeof(folder)) == nullptr) return path;
  return absl::StrCat(folder, "/", path);
}

absl::Status ErrorOf(const SpawnRequest& request, const ChildError& failure) {
  const std::string why = strerror(failure.error);
  switch (failure.step) {
    case Step::kExec:
      return absl::NotFoundError(absl::StrCat(request.argv[0], ": ", why));
    case Step::kFolder:
      return absl::FailedPreconditionError(
          absl::StrCat("cannot make the folder ", request.cwd, ": ", why));
    case Step::kChdir:
      return absl::FailedPreconditionError(
          absl::StrCat("cannot enter the folder ", request.cwd, ": ", why));
    case Step::kNice:
      return absl::FailedPreconditionError(
          absl::StrCat("cannot set nice=", request.nice, ": ", why));
    case Step::kDescriptors:
      break;
  }
  return absl::ResourceExhaustedError(absl::StrCat("descriptors: ", why));
}

// Forks with all signals blocked: none may be handled in the child before its
// handlers, which are ours, are reset.
pid_t ForkBlocked(sigset_t* before) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, before);
  return fork();
}

}  // namespace

absl::StatusOr<pid_t> Spawn(const SpawnRequest& request) {
  if (request.argv.empty()) return absl::NotFoundError("no program given");
  std::vector<std::string> words = request.argv;
  Prepared prepared;
  prepared.program = FindProgram(words[0], GetVariable("PATH", request.env));
  if (prepared.program.empty()) {
    return absl::NotFoundError(absl::StrCat(words[0], ": not found"));
  }
  if (!request.cwd.empty()) {
    prepared.program = Absolute(prepared.program);
    // Python finds its home by this word.
    if (words[0].find('/') != std::string::npos) words[0] = prepared.program;
  }
  prepared.argv = Pointers(words);
  prepared.env = Pointers(request.env);
  prepared.folders = FoldersOf(request.cwd);
  prepared.fds = request.fds;
  for (const auto& [ours, theirs] : request.fds) {
    prepared.highest = std::max(prepared.highest, theirs);
  }
  prepared.parent = getpid();
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) {
    return absl::ResourceExhaustedError(
        absl::StrCat("pipe: ", strerror(errno)));
  }
  sigset_t before;
  const pid_t pid = ForkBlocked(&before);
  if (pid == 0) RunChild(request, &prepared, report[1]);
  const int fork_error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
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
  if (got != sizeof(failure)) return pid;
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return ErrorOf(request, failure);
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
  std::vector<std::pair<dev_t, ino_t>> seen;  // /bin may be /usr/bin.
  for (absl::string_view part : absl::StrSplit(path, ':')) {
    const std::string folder(part.empty() ? "." : part);
    struct stat info;
    if (stat(folder.c_str(), &info) != 0) continue;
    const std::pair<dev_t, ino_t> id(info.st_dev, info.st_ino);
    if (std::find(seen.begin(), seen.end(), id) != seen.end()) continue;
    seen.push_back(id);
    for (const std::string& name : names) {
      const std::string file = absl::StrCat(folder, "/", name);
      if (stat(file.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
          access(file.c_str(), X_OK) == 0) {
        found.push_back(file);
      }
    }
  }
  return found;
}

}  // namespace dist
