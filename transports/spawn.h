// The one place that forks.
#ifndef DIST_TRANSPORTS_SPAWN_H_
#define DIST_TRANSPORTS_SPAWN_H_

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace dist {

struct SpawnRequest {
  std::vector<std::string> argv;  // argv[0] is looked up along PATH.
  std::vector<std::string> env;   // "NAME=VALUE", all of it.
  std::string cwd;                // Made with its parents; "": the caller's.
  int nice = 0;
  // Ours and the child's descriptor numbers. All others are closed there.
  std::vector<std::pair<int, int>> fds;
  // SIGKILL when the calling *thread* ends. Only for threads that live long.
  bool die_with_parent = false;
};

// Starts a process in a session of its own, with default signal handling, no
// terminal, and no descriptor but those asked for (0, 1 and 2 are /dev/null
// unless given). Returns once the program runs. kNotFound: the program cannot
// be executed; other errors concern the folder, the descriptors, the machine.
absl::StatusOr<pid_t> Spawn(const SpawnRequest& request);

// The calling process's environment as a list.
std::vector<std::string> Environment();

// Sets NAME=VALUE in such a list.
void SetVariable(const std::string& name, const std::string& value,
                 std::vector<std::string>* env);
void UnsetVariable(const std::string& name, std::vector<std::string>* env);
// The value, or "".
std::string GetVariable(const std::string& name,
                        const std::vector<std::string>& env);

// The file that execvp(3) would run for `name` with that PATH, or "".
std::string FindProgram(const std::string& name, const std::string& path);

// Every file called one of `names` along `path`, best first.
std::vector<std::string> FindPrograms(const std::vector<std::string>& names,
                                      const std::string& path);

}  // namespace dist

#endif  // DIST_TRANSPORTS_SPAWN_H_
